"""How far long work is: whoever does it says how much there is and what is done, and a display shows it.

    with telling("gradcam on alexnet: label_randomization"):
        expect(160)
        for ...:
            advance(10)

Measuring code knows nothing of the display. pytest has one of its own (``plugin.progress``); elsewhere it is standard
error (``displays.usual_display``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import current_thread, main_thread
from time import monotonic
from typing import Protocol

from .displays import usual_display


@dataclass
class Work:
    """Work that is told of. ``total``: how many units are expected so far, 0 if nobody knows; ``done``: how many are.

    ``before``: how many of those were done when it began. ``state``: what it has reached, in words.
    """

    name: str
    unit: str = "explanations"
    total: int = 0
    done: int = 0
    before: int = 0
    state: str = ""
    started: float = field(default_factory=monotonic)

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return monotonic() - self.started

    @property
    def title(self) -> str:
        """Its name and what it has reached."""
        return ", ".join(filter(None, [self.name, self.state]))

    def __str__(self) -> str:
        counted = f"{self.done} of {self.total}" if self.total >= max(self.done, 1) else str(self.done)
        return f"{self.title}: {counted} {self.unit}, {self.seconds:.0f} s"


class Display(Protocol):
    """Where work is shown. Its functions are called in the main thread; ``show`` after each step."""

    def begin(self, work: Work) -> None: ...  # noqa: D102
    def show(self, work: Work) -> None: ...  # noqa: D102
    def end(self, work: Work) -> None: ...  # noqa: D102
    def say(self, text: str) -> None: ...  # noqa: D102


Choose = Callable[[], Display]
_choose: Choose = usual_display
_current: tuple[Work, Display] | None = None


def choose_displays(choose: Choose) -> Choose:
    """Ask ``choose`` for the display of whatever begins from now on; return what was asked before."""
    global _choose
    before, _choose = _choose, choose
    return before


@contextmanager
def telling(name: str, unit: str = "explanations") -> Iterator[None]:
    """Tell of the work that is done within the context. Work within other work is a part of it.

    Only work of the main thread is told of.
    """
    global _current
    if _current is not None or current_thread() is not main_thread():
        yield
        return
    work, display = _current = Work(name, unit), _choose()
    try:
        display.begin(work)
        yield
    finally:
        _current = None
        display.end(work)


def expect(count: int, *, unit: str = "", done: int = 0) -> None:
    """Say that there are so many more units to do, ``done`` of which are done already. ``unit``: what they are."""
    if _current is not None:
        work, _ = _current
        work.total += count
        work.done += done
        work.before += done
        work.unit = unit or work.unit


def advance(count: int = 1, state: str = "") -> None:
    """Say that so many units more are done, and what was reached."""
    if _current is not None:
        work, display = _current
        work.done += count
        work.state = state or work.state
        if current_thread() is main_thread():
            display.show(work)


def say(text: str) -> None:
    """Tell the user something now, on a line of its own."""
    _choose().say(text)
