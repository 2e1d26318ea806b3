"""Shows in pytest's terminal how far long work is: never in the middle of what pytest writes, and despite capturing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import pytest

from ..foundation.displays import Bar, Lines, Silent
from ..foundation.progress import Display, choose_displays

QUIETEST = -2  # -qq: pytest itself says no more than how many tests passed


class Progress:
    """Gives whatever is done during a run a display, until the run ends.

    A worker of pytest-xdist has no terminal, so it shows nothing.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self._display: Display | None = None
        self._terminal: TextIO | None = None
        self._before: Callable[[], Display] = choose_displays(self._chosen)

    def pytest_unconfigure(self) -> None:
        """Give up the display and the terminal."""
        choose_displays(self._before)
        if self._terminal is not None:
            self._terminal.close()

    def _chosen(self) -> Display:
        """Return the display of the run. It is made when it is needed first: then there is a reporter."""
        self._display = self._display or self._made()
        return self._display

    def _made(self) -> Display:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is None or hasattr(self.config, "workerinput") or reporter.verbosity <= QUIETEST:
            return Silent()
        if not reporter.isatty or shows_at_once(self.config):
            return Lines(self._write_line)
        with uncaptured(self.config):
            # A copy, since during a test the original leads into the capture.
            self._terminal = open(  # noqa: SIM115  (closed at the end of the run)
                os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors="replace"
            )
        return Bar(self._terminal, self._write_line, self._column)

    def _column(self) -> int | None:
        """Return how much pytest has written on its line. Without capturing, the tests may have written too."""
        if self.config.getoption("capture") == "no":
            return None
        return self.config.get_terminal_writer().width_of_current_line

    def _write_line(self, text: str) -> None:
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        with uncaptured(self.config):
            reporter.ensure_newline()
            reporter.write_line(text)
            reporter.flush()


def shows_at_once(config: pytest.Config) -> bool:
    """Return whether what tests print or log is shown at once, by a way on which no bar can give way to it."""
    logs = config.pluginmanager.hasplugin("logging") and (
        config.getoption("log_cli_level") is not None or config.getini("log_cli")
    )
    return bool(logs) or config.getoption("capture") == "tee-sys"


@contextmanager
def uncaptured(config: pytest.Config) -> Iterator[None]:
    """Suspend pytest's capturing within the context."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is None:
        yield
        return
    with capture.global_and_fixture_disabled():
        yield
