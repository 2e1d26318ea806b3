"""Ends a run that is told to terminate as Ctrl-C ends it, and lets a run that is interrupted report what it found."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import pytest

TERMINATE, CTRL_C = signal.SIGTERM, signal.SIGINT
Handler = Callable[[int, FrameType | None], object]
USUAL: dict[signal.Signals, Handler | signal.Handlers] = {
    TERMINATE: signal.SIG_DFL,
    CTRL_C: signal.default_int_handler,
}


class Interruption:
    """Lets SIGTERM interrupt the run once; nothing else may end it while it reports, short of SIGKILL.

    Ctrl-C gives up a report that is being written. In the short time between reports it is only kept in mind; pressed
    again, it ends the run. A run that was interrupted while it was reported is complete, but has not passed.

    A handler of somebody else is left alone. SIGTERM is heard once, since ``timeout`` may send it twice.
    """

    def __init__(self) -> None:
        self.heard: bool = False
        self.finishing: bool = False
        self.noted: bool = False
        self._listen(TERMINATE, self.interrupt)

    def _listen(self, number: signal.Signals, handler: Handler) -> None:
        if current_thread() is main_thread() and signal.getsignal(number) is USUAL[number]:
            signal.signal(number, handler)

    def _restore(self, number: signal.Signals, handler: Handler) -> None:
        if signal.getsignal(number) == handler:
            signal.signal(number, USUAL[number])

    def interrupt(self, *_: object) -> None:
        """Raise KeyboardInterrupt, the first time and before the end of the run."""
        self.noted = self.noted or self.finishing
        if not (self.heard or self.finishing):
            self.heard = True
            raise KeyboardInterrupt(TERMINATE.name)

    def note(self, number: int, frame: FrameType | None) -> None:
        """Keep Ctrl-C in mind the first time; raise KeyboardInterrupt the next time, and while a report is written."""
        again, self.noted = self.noted, True
        if again or is_giving_up():
            signal.default_int_handler(number, frame)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Leave out frames whose line is unknown: pytest's reporter, which comes next, would crash on them.

        CPython has instructions that belong to no line, and a signal may come at any (pytest-xdist's issue 1196).
        """
        excinfo.traceback = excinfo.traceback.filter(_has_line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let the reports be written and the summary be printed."""
        self.finishing = True
        self._listen(CTRL_C, self.note)
        try:
            result = yield
        finally:
            self._restore(CTRL_C, self.note)
        if self.noted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.INTERRUPTED
        return result

    def pytest_unconfigure(self) -> None:
        """Restore the handler."""
        self._restore(TERMINATE, self.interrupt)


def _has_line(entry: Any) -> bool:
    try:
        return bool(entry.lineno >= 0)
    except TypeError:  # None - 1
        return False


_giving_up: list[None] = []


@contextmanager
def giving_up() -> Iterator[None]:
    """Let Ctrl-C end what is done within the context, and whoever does it catch KeyboardInterrupt."""
    _giving_up.append(None)
    try:
        yield
    finally:
        _giving_up.pop()


def is_giving_up() -> bool:
    """Return whether Ctrl-C may end what is being done."""
    return bool(_giving_up)
