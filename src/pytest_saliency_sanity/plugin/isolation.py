"""``--saliency-isolate``: pytest runs in a child process, so that a run that ends in mid-line is noticed.

A process can't notice its own end. So the parent starts the same command again, and the child keeps in a file where it
is. If that does not say that the run is over, the parent says where it was, and the run has failed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import TextIO

import pytest

from ..foundation.processes import ending_of
from .blame import blaming, usage_error

VARIABLE = "PYTEST_SALIENCY_ISOLATED"  # the child's file; in what the child starts, such as workers, this word:
INSIDE = "inside"
CHILD = "saliency_sanity_child"  # the name of the plugin
OVER = "over"  # the last line of the file of a run that is over begins with it
TODO = (
    "Look there for what ends the process: os._exit, a crash of C code, or no memory (--saliency-memory takes less). "
    "With pytest-xdist (-n 1) the other questions are answered."
)


def isolate(config: pytest.Config) -> None:
    """Run pytest in a child process if that was asked for and this is not the child; end this one when it has ended.

    Raises SystemExit with the status of the run. In the child, its place is kept from now on.
    """
    if not getattr(config.known_args_namespace, "saliency_isolate", False):
        return
    if (file := os.environ.get(VARIABLE)) is None:
        with blaming("--saliency-isolate"):
            status = _isolated(config)
        raise SystemExit(status)
    if file != INSIDE:
        os.environ[VARIABLE] = INSIDE
        config.pluginmanager.register(child := Child(file), CHILD)
        config.add_cleanup(child.end)


def tell_place(config: pytest.Config, place: str) -> None:
    """Say where the run is, as in ``while ...``, if somebody wants to know."""
    child: Child | None = config.pluginmanager.getplugin(CHILD)
    if child:
        child.tell(place)


def _isolated(config: pytest.Config) -> int:
    """Return the exit status of a run in a child process."""
    if not all(isinstance(each, str) for each in config.invocation_params.plugins or ()):
        raise usage_error("--saliency-isolate starts pytest again, and objects given to it as plugins can't follow")
    with tempfile.TemporaryDirectory(prefix="saliency-sanity-") as folder, _lending_terminal(config):
        file = Path(folder) / "places"
        file.touch()
        status = _run(config, file)
        told = file.read_text(encoding="utf-8", errors="replace").splitlines()
        return judged(status, told[-1] if told else "")


def judged(status: int, last: str) -> int:
    """Return the exit status of a run, from the status of its process and the last line of its file.

    If the run was not over, that is told, and it has failed.
    """
    if last.startswith(OVER) and status >= 0:
        return status or int(last.removeprefix(OVER))
    if not last and status > 0:
        return status  # pytest itself ended before the run, and said why
    place = "after its end" if last.startswith(OVER) else last or "before it began"
    sys.stderr.write(f"\nsaliency-sanity: the run broke off {place}: {ending_of(status)}.\n{TODO}\n")
    return int(pytest.ExitCode.TESTS_FAILED)


def _run(config: pytest.Config, file: Path) -> int:
    """Run the same command again, and return how it ended. Signals to this process are passed on."""
    asked = config.invocation_params
    # Like this process, it finds modules in the current folder only if it was started as `python -m pytest`.
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    safe = [] if Path(sys.argv[0]).name == "__main__.py" else ["-P"]
    command = [sys.executable, *flags, *safe, "-m", "pytest", *map(str, asked.args)]
    child = subprocess.Popen(command, cwd=asked.dir, env={**os.environ, VARIABLE: str(file)})
    with _passing_on(child):
        return child.wait()


@contextmanager
def _passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass on SIGTERM, and Ctrl-C unless the terminal sends it to the child as well."""

    def pass_on(number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT or not _is_in_foreground():
            with suppress(ProcessLookupError):
                child.send_signal(number)

    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_in_foreground() -> bool:
    """Return whether a terminal sends Ctrl-C to all processes of our group, and so to the child."""
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


@contextmanager
def _lending_terminal(config: pytest.Config) -> Iterator[None]:
    """End pytest's capturing in this process within the context, so that the child has the terminal, also to read."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        yield
        return
    capture.suspend_global_capture(in_=True)
    try:
        yield
    finally:
        capture.resume_global_capture()


class Child:
    """Keeps in the file of the parent where the run is. The last line counts."""

    def __init__(self, file: str) -> None:
        # Closed at the end of the run.
        self.file: TextIO = open(file, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
        self.session: pytest.Session | None = None
        self.tell("while conftests were imported")

    def tell(self, place: str) -> None:
        """Say where the run is, as in ``in <test>`` or ``while ...``."""
        self.file.write(f"{' '.join(place.split())}\n")

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self) -> None:
        """Tell of it."""
        self.tell("while pytest was configured")

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session, which knows its exit status."""
        self.session = session

    def pytest_collection(self) -> None:
        """Tell of it."""
        self.tell("while tests were collected")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell of a test, in this process or a worker."""
        self.tell(f"in {nodeid}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Tell of it."""
        self.tell("while the run was reported")

    def end(self) -> None:
        """Tell that the run is over, and its exit status; without a session there is none."""
        self.tell(f"{OVER} {int(self.session.exitstatus) if self.session else 0}")
        self.file.close()
