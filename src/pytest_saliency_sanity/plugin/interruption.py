"""Ends a run that is told to terminate as Ctrl-C ends it, so that what ran so far is reported."""

from __future__ import annotations

import signal
from threading import current_thread, main_thread

import pytest

SIGNAL = signal.SIGTERM


class Interruption:
    """Lets SIGTERM interrupt the run once; nothing else may end it while it reports, short of SIGKILL.

    A handler of somebody else is left alone. Sent twice, as ``timeout`` does, it is heard once.
    """

    def __init__(self) -> None:
        self.deaf = False
        if current_thread() is main_thread() and signal.getsignal(SIGNAL) is signal.SIG_DFL:
            signal.signal(SIGNAL, self.interrupt)

    def interrupt(self, *_: object) -> None:
        """Raise KeyboardInterrupt, the first time and before the end of the run."""
        if not self.deaf:
            self.deaf = True
            raise KeyboardInterrupt(SIGNAL.name)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Let the reports be written."""
        self.deaf = True

    def pytest_unconfigure(self) -> None:
        """Restore the handler."""
        if signal.getsignal(SIGNAL) == self.interrupt:
            signal.signal(SIGNAL, signal.SIG_DFL)
