"""A time limit for work in the main thread that may hang, and may swallow every exception.

When time is over, a watchdog thread sends the main thread a signal, whose handler raises ``Overdue`` there; once a
second, since it may be swallowed. Work that goes on all the same, or that never returns from C to Python, is ended with
its process. That needs a second watchdog, of ``faulthandler``: C code can keep the lock that all Python threads need.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Event, Thread, current_thread, main_thread
from time import monotonic, sleep
from traceback import StackSummary, walk_stack
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Self, TextIO, TypeVar

from .places import PACKAGE, described, innermost_own

# Ignored by default, so nobody waits for it; SIGALRM is pytest-timeout's. Windows has neither.
SIGNAL: signal.Signals | None = getattr(signal, "SIGURG", None)
PERIOD = 1.0  # seconds from one reminder to the next
GRACE = 10.0  # seconds after the limit until the process ends
DEBUGGERS = ("bdb", "pdb", "pydevd")
ENDED = (
    "It could not be interrupted, so its process ends now, with exit status 1. With pytest-xdist (-n 2) or "
    "--saliency-isolate more than this is said, and with the first the other questions are still answered."
)
T = TypeVar("T")


class Overdue(BaseException):
    """Work took longer than its limit. Whoever catches all exceptions must raise this one again."""

    @property
    def msg(self) -> str:
        """What happened, in a line."""
        return str(self).partition("\n")[0]


def why_no_limit() -> str:
    """Return why there can be no time limit here; empty if there can."""
    if SIGNAL is None:
        return f"{sys.platform} has no signal that could interrupt a question"
    if current_thread() is not main_thread():
        return "only work in the main thread can be interrupted, and pytest runs in another"
    return ""


class time_limit:  # noqa: N801  (used as a function)
    """A context in which work of the main thread has so many seconds. Raises Overdue at the latest at its end.

    ``what``: what is limited, in words. ``todo``: what to do about it. ``stderr``: an open file with a number, where it
    is said if the process has to end.
    """

    def __init__(self, seconds: float, what: str, todo: str, stderr: TextIO) -> None:
        self.seconds = seconds
        self.what = what
        self.todo = todo
        self.stderr = stderr
        self.over: bool = False
        self.ended: bool = False
        self.place: str = ""
        self._done = Event()
        self._watchdog = Thread(target=self._watch, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        assert SIGNAL is not None
        self._before = signal.signal(SIGNAL, self._remind)
        last = self.seconds + GRACE + PERIOD  # later than the watchdog, which says more
        faulthandler.dump_traceback_later(last, exit=True, file=self.stderr)
        self._watchdog.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.ended = True
        faulthandler.cancel_dump_traceback_later()
        self._done.set()
        self._watchdog.join()
        sleep(0)  # a signal that was sent before is delivered here, while our handler still hears it
        assert SIGNAL is not None
        signal.signal(SIGNAL, self._before)
        if self.over and not isinstance(error, Overdue | KeyboardInterrupt):
            raise self._overdue() from error

    def _overdue(self) -> Overdue:
        place = f" It was in {self.place}." if self.place else ""
        return Overdue(f"{self.what}.{place} {self.todo}")

    def _remind(self, _: int, frame: FrameType | None) -> None:
        """Raise Overdue in the main thread, unless that would leave something half done."""
        if self.over and not self.ended and frame is not None and can_be_interrupted(frame):
            self.place = self.place or place_of(frame)
            raise self._overdue()

    def _watch(self) -> None:
        if self._done.wait(self.seconds):
            return
        if is_debugged(self._frame()):
            faulthandler.cancel_dump_traceback_later()
            return
        self.over = True
        until = monotonic() + GRACE
        while monotonic() < until:
            assert SIGNAL is not None
            signal.pthread_kill(_main_thread(), SIGNAL)
            if self._done.wait(PERIOD):
                return
        self.place = self.place or place_of(self._frame())
        self.stderr.write(f"\n{self._overdue()}\n{ENDED}\n")
        self.stderr.flush()
        faulthandler.dump_traceback(self.stderr)
        os._exit(1)

    def _frame(self) -> FrameType:
        return sys._current_frames()[_main_thread()]


def _main_thread() -> int:
    ident = main_thread().ident
    assert ident is not None
    return ident


def place_of(frame: FrameType) -> str:
    """Return where a thread is: in the user's own code if it is there at all, else wherever."""
    stack = StackSummary.extract(walk_stack(frame), lookup_lines=False)
    stack.reverse()  # the innermost comes first
    return described(innermost_own(stack) or stack[-1])


def can_be_interrupted(frame: FrameType) -> bool:
    """Return whether an exception in a frame, the innermost, does no harm.

    It would in this module, and while a context manager of this package is entered or left, which may be putting back
    what belongs to the whole process. (While the code within it runs, a context manager is not on the stack.)
    """
    files = [each.f_code.co_filename for each in frames(frame)]
    in_a_manager = any(
        inner.startswith(PACKAGE) and os.path.basename(outer) == "contextlib.py" for inner, outer in pairwise(files)
    )
    return files[0] != __file__ and not in_a_manager


def is_debugged(frame: FrameType) -> bool:
    """Return whether a debugger is at work, so that time is the user's own."""
    return any(str(each.f_globals.get("__name__", "")).startswith(DEBUGGERS) for each in frames(frame))


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and those that called it, the innermost first."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def named(function: Callable[[], T], name: str) -> Callable[[], T]:
    """Return a function that calls another and whose name is any text: ``faulthandler`` shows nothing but names."""

    def call() -> T:
        return function()

    code: CodeType = call.__code__.replace(co_name=name, co_qualname=name)
    return FunctionType(code, call.__globals__, closure=call.__closure__)
