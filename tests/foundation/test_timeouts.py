"""Work in the main thread that takes too long is interrupted there, whatever it catches, and nothing is left behind."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from threading import enumerate as threads
from typing import TextIO

import pytest

from pytest_saliency_sanity.foundation import timeouts
from pytest_saliency_sanity.foundation.timeouts import Overdue, time_limit, why_no_limit

needs_signals = pytest.mark.skipif(bool(why_no_limit()), reason="nothing can be interrupted on this system")
SHORT = 0.05


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "stderr").open("w+") as file:
        yield file


def sleeps() -> None:
    time.sleep(1000)


def loops() -> None:
    while True:
        pass


def waits_for_a_signal() -> None:
    while True:
        ctypes.CDLL(None).pause()


def swallows_exceptions() -> None:
    while True:
        with suppress(Exception):
            time.sleep(1000)


def raises_another() -> None:
    try:
        time.sleep(1000)
    except BaseException as error:
        raise ArithmeticError("something else") from error


def limited(work: Callable[[], object], stderr: TextIO, seconds: float = SHORT) -> None:
    with time_limit(seconds, "edges on alexnet: no answer", "Raise the limit.", stderr):
        work()


@needs_signals
@pytest.mark.parametrize("work", [sleeps, loops, waits_for_a_signal, swallows_exceptions, raises_another])
def test_what_hangs_is_interrupted_where_it_is(work: Callable[[], None], stderr: TextIO) -> None:
    before = signal.getsignal(signal.SIGURG)
    place = rf"\S*test_timeouts\.py:\d+, {work.__name__}"
    with pytest.raises(Overdue, match=rf"^edges on alexnet: no answer\. It was in {place}\. Raise the limit\.$"):
        limited(work, stderr)
    assert signal.getsignal(signal.SIGURG) is before
    assert "time_limit" not in [thread.name for thread in threads()]


def swallows_all() -> None:
    with suppress(BaseException):
        time.sleep(1000)


@needs_signals
def test_work_that_swallows_the_interruption_is_overdue_all_the_same(stderr: TextIO) -> None:
    with pytest.raises(Overdue):
        limited(swallows_all, stderr)


@needs_signals
def test_the_error_that_came_of_it_is_kept(stderr: TextIO) -> None:
    with pytest.raises(Overdue) as raised:
        limited(raises_another, stderr)
    assert isinstance(raised.value.__cause__, ArithmeticError)


def ends() -> None:
    raise KeyboardInterrupt


@needs_signals
def test_work_that_ends_in_time_is_left_alone(stderr: TextIO) -> None:
    limited(int, stderr, 1000)
    with pytest.raises(KeyboardInterrupt):
        limited(ends, stderr, 1000)


@needs_signals
def test_a_signal_of_somebody_else_interrupts_nothing(stderr: TextIO) -> None:
    limited(lambda: signal.raise_signal(signal.SIGURG), stderr, 1000)


@needs_signals
def test_a_handler_of_somebody_else_is_back_afterwards(stderr: TextIO) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, frame: heard.append(number))
    try:
        limited(lambda: signal.raise_signal(signal.SIGURG), stderr, 1000)
        assert not heard
        signal.raise_signal(signal.SIGURG)
        assert heard == [signal.SIGURG]
    finally:
        signal.signal(signal.SIGURG, before)


@needs_signals
def test_a_context_manager_of_this_package_is_left_undisturbed(stderr: TextIO, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = time_limit(1000, "edges on alexnet: no answer", "Raise the limit.", stderr)
    restored: list[str] = []

    @contextmanager
    def restoring() -> Iterator[None]:
        yield
        signal.raise_signal(signal.SIGURG)  # as if time were over here
        restored.append("everything")

    def work() -> None:
        limit.over = True
        with restoring():
            pass
        restored.append("more than that")

    monkeypatch.setattr(timeouts, "PACKAGE", str(Path(__file__).parent))
    with pytest.raises(Overdue), limit:
        work()
    assert restored == ["everything", "more than that"]
    restored.clear()
    monkeypatch.undo()
    with pytest.raises(Overdue), time_limit(1000, "again", "", stderr) as limit:
        work()
    assert restored == []


def test_the_line_that_is_told_of_it_is_the_first() -> None:
    assert Overdue("edges: no answer.\nMore.").msg == "edges: no answer."


def test_there_is_no_limit_in_another_thread() -> None:
    told: list[str] = []
    thread = Thread(target=lambda: told.append(why_no_limit()))
    thread.start()
    thread.join()
    assert told == ["only work in the main thread can be interrupted, and pytest runs in another"]


def test_there_is_no_limit_without_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "SIGNAL", None)
    assert "no signal" in why_no_limit()


# Work that can't be interrupted: it keeps Python's lock, or catches whatever is raised.
STUBBORN = {
    "keeps_the_lock": "ctypes.PyDLL(None).sleep(1000)",
    "never_returns": "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGURG]); ctypes.CDLL(None).sleep(1000)",
    "catches_all": "catches_all()",
}
PROGRAM = """
import ctypes, signal, sys, time
from pytest_saliency_sanity.foundation import timeouts

timeouts.GRACE = timeouts.PERIOD = 0.2

def catches_all():
    while True:
        try: time.sleep(1000)
        except BaseException: pass

def hang():
    {work}

with timeouts.time_limit(0.1, "edges on alexnet: no answer", "Raise the limit.", sys.stderr):
    timeouts.named(hang, "edges on alexnet: no answer after 0.1 s")()
print("not reached")
"""


@needs_signals
@pytest.mark.parametrize("work", STUBBORN)
def test_work_that_can_not_be_interrupted_ends_with_its_process(work: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(work=STUBBORN[work])], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "not reached" not in done.stdout
    assert "in hang" in done.stderr
    assert "edges on alexnet: no answer" in done.stderr
    assert ("so its process ends now" in done.stderr) == (work != "keeps_the_lock")


DEBUGGED = """
import sys, time
from types import FunctionType
from pytest_saliency_sanity.foundation import timeouts

timeouts.GRACE = timeouts.PERIOD = 0.05

def wait():
    time.sleep(0.5)

with timeouts.time_limit(0.05, "edges on alexnet: no answer", "Raise the limit.", sys.stderr):
    FunctionType(wait.__code__, {"__name__": "pdb", "time": time})()  # as if the user looked at something
print("no limit")
"""


@needs_signals
def test_time_in_a_debugger_is_the_user_s_own() -> None:
    done = subprocess.run([sys.executable, "-c", DEBUGGED], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "no limit\n"), done.stderr
