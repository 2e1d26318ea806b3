"""Shows how far work is: a bar on a terminal, a line now and then in a log. tqdm is imported when a bar is drawn."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from threading import Event, RLock, Thread, main_thread
from time import time
from typing import TYPE_CHECKING, Any, ClassVar, TextIO
from weakref import WeakSet

if TYPE_CHECKING:
    from .progress import Display, Work

# Seconds: before a bar appears, so that quick work shows nothing; between its updates; between the lines in a log.
PATIENCE, TICK, INTERVAL = 3.0, 0.5, 30.0
WIDTH = 80  # columns of a terminal that does not say
# Numbers first: what does not fit on the line is cut off at the right.
FORMAT = "{percentage:3.0f}%|{bar:10}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}] {desc}"
WITHOUT_END = "{n_fmt} {unit} so far [{elapsed}] {desc}{bar:1}"  # a blank, without which nothing would be cut off
PROMPT = "cmdloop"  # the function in which debuggers wait for the user to type


class Silent:
    """Shows nothing."""

    def begin(self, work: Work) -> None:
        """Do nothing."""

    def show(self, work: Work) -> None:
        """Do nothing."""

    def end(self, work: Work) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Say nothing."""


class Lines:
    """Writes a line to a log when work has taken ``INTERVAL`` seconds, and again after each further ``INTERVAL``."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._due = INTERVAL

    def begin(self, work: Work) -> None:
        """Wait."""
        self._due = INTERVAL

    def show(self, work: Work) -> None:
        """Write a line, if it is time."""
        if work.seconds >= self._due:
            self._due = work.seconds + INTERVAL
            self._write(f"saliency-sanity: {work}")

    def end(self, work: Work) -> None:
        """Write nothing: what came of the work is told elsewhere."""

    def say(self, text: str) -> None:
        """Write a line."""
        self._write(text)


class Bar:
    """A bar on a terminal, below the line that is being written there. It is gone when the work ends.

    A thread draws it, so that it appears, and its clock goes on, while a method takes long for a single call.
    ``column``: returns where the cursor is, None if that is not known. ``write``: writes a line.

    What the work itself writes to the same terminal, by ``sys.stdout`` or ``sys.stderr``, stays whole.
    """

    def __init__(
        self, stream: TextIO, write: Callable[[str], object], column: Callable[[], int | None] = lambda: 0
    ) -> None:
        self._stream, self._write, self._where = stream, write, column
        # Where the cursor is without the bar, None if that is not known; whether nothing stands on its line.
        self._column: int | None = 0
        self._blank = True
        self._lock = RLock()
        self._bar: Any = None
        self._over, self._thread = Event(), Thread()
        self._others: list[_Above] = []

    def begin(self, work: Work) -> None:
        """Start to watch the work."""
        self._column = self._where()
        self._blank = self._column == 0
        self._others = [_Above(name, self) for name in ("stdout", "stderr") if _is_terminal(getattr(sys, name))]
        self._over = Event()
        self._thread = Thread(target=self._watch, args=(work,), name="saliency-sanity progress", daemon=True)
        self._thread.start()

    def show(self, work: Work) -> None:
        """Do nothing: the thread looks by itself."""

    def end(self, work: Work) -> None:
        """Take the bar away, and leave the cursor where it was."""
        self._over.set()
        if self._thread.ident is not None:  # it was started
            self._thread.join()
        for each in self._others:
            each.restore()

    def say(self, text: str) -> None:
        """Write a line."""
        self._write(text)

    def write_above(self, stream: TextIO, text: str) -> int:
        """Write a text to another stream of the terminal, where it would be without the bar."""
        with self._lock:
            self._erase()
            written = stream.write(text)
            stream.flush()
            *before, line = text.split("\n")
            *rewound, last = line.split("\r")
            if before or rewound:
                self._column = 0
            if self._column is not None:
                self._column += len(last)
            self._blank = not line and (bool(before) or self._blank)
            return written

    def _watch(self, work: Work) -> None:
        with suppress(OSError, ValueError):  # the terminal is gone
            wait = PATIENCE
            while not self._over.wait(wait):
                with self._lock:
                    if _is_prompting():
                        self._lose_place()
                    else:
                        self._draw(work)
                wait = TICK
            with self._lock:
                self._erase()

    def _draw(self, work: Work) -> None:
        if self._bar is None:
            if not self._blank:
                self._stream.write("\n")
            if self._column is None:
                self._column, self._blank = 0, True  # and there it stays
            self._bar = _kind_of_bar()(
                file=self._stream,
                ncols=_width_of(self._stream) - 1,
                initial=work.before,
                unit=work.unit,
                position=0,
                leave=False,
                delay=1e-9,  # nothing is drawn yet
            )
            self._bar.start_t = time() - work.seconds
        self._bar.n, self._bar.total = work.done, work.total or None
        self._bar.bar_format = FORMAT if work.total >= max(work.done, 1) else WITHOUT_END
        self._bar.set_description_str(work.title)

    def _lose_place(self) -> None:
        """Leave what is on the terminal as it is: somebody else writes there."""
        if self._bar is not None:
            self._bar.disable = True
        self._bar, self._column, self._blank = None, None, False

    def _erase(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
            if not self._blank:
                self._stream.write("\x1b[A" + (f"\x1b[{self._column}C" if self._column else ""))
            self._stream.flush()


class _Above:
    """Stands for ``sys.stdout`` or ``sys.stderr`` while there can be a bar on the same terminal."""

    def __init__(self, name: str, bar: Bar) -> None:
        self._name, self._bar = name, bar
        self._stream: TextIO = getattr(sys, name)
        setattr(sys, name, self)

    def restore(self) -> None:
        """Give the place back, unless somebody else has taken it."""
        if getattr(sys, self._name) is self:
            setattr(sys, self._name, self._stream)

    def write(self, text: str) -> int:
        """Write a text where it would be without the bar."""
        return self._bar.write_above(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def usual_display() -> Display:
    """Return the display of a process that is not pytest: standard error, be it a terminal, a notebook or a file."""
    if sys.stderr is None:
        return Silent()
    if _is_terminal(sys.stderr) or _in_notebook():
        return Bar(sys.stderr, write_to_stderr)
    return Lines(write_to_stderr)


def write_to_stderr(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@cache
def _kind_of_bar() -> Callable[..., Any]:
    """Return a kind of bar that makes no room for the bars of others, and starts no thread of its own."""
    from tqdm import tqdm

    class Alone(tqdm):  # type: ignore[misc, type-arg, unused-ignore]
        monitor_interval = 0
        _instances: ClassVar[WeakSet[Any]] = WeakSet()

    return Alone


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not isinstance(stream, _Above) and stream.isatty()


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and "IPKernelApp" in shell.config


def _is_prompting() -> bool:
    """Return whether the main thread waits in a debugger, whose prompt a bar must not disturb."""
    frame = sys._current_frames().get(main_thread().ident or 0)
    while frame is not None:
        if frame.f_code.co_name == PROMPT:
            return True
        frame = frame.f_back
    return False


def _width_of(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or WIDTH
    except (OSError, ValueError):  # no terminal, such as a notebook
        return WIDTH
