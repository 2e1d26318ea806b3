"""What is asked of every parser of outside input, and how it is asked.

A parser returns a value, or raises one of the errors that it promises, with a short message. It runs nothing of what it
reads, imports nothing by its names, writes nothing, and comes to an end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis.strategies import SearchStrategy

from pytest_saliency_sanity.foundation.errors import LONGEST_TEXT

LONGEST_MESSAGE = LONGEST_TEXT  # though an input may have a hundred thousand characters
SECONDS = 60  # for one input: what takes longer hangs

# What no parser does. ``compile`` is not among it: ``ast.literal_eval`` parses, and runs nothing.
FORBIDDEN = (
    *("exec", "import", "code.__new__", "marshal.", "pickle.find_class", "subprocess.", "socket.", "urllib."),
    *(
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "os.startfile",
        "pty.",
        "shutil.",
        "webbrowser.",
    ),
    *(
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.mkdir",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.truncate",
        "os.putenv",
    ),
)
# Of its own, a library imports what an input needs for the first time: then the input is tried again.
LAZY = ("import ('torch.", "import ('encodings.")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Parser:
    """A parser of outside input.

    ``name``: as in docs/reliability.md. ``samples``: inputs that are right, each of which it must take. ``inputs``: of
    any kind. ``mutate``: from a source of random numbers and an input to another input. ``parse``: what is fuzzed.
    ``raises``: the errors that it promises. ``put``: puts an input into files of a folder, and returns what ``parse``
    takes.
    """

    name: str
    samples: tuple[Any, ...]
    inputs: SearchStrategy[Any]
    mutate: Callable[[Random, Any], Any]
    parse: Callable[[Any], object]
    raises: tuple[type[Exception], ...]
    put: Callable[[Path, Any], Any] = lambda _, given: given


def file_named(name: str) -> Callable[[Path, str | bytes], Path]:
    """Return what puts an input into a file of this name."""

    def put(folder: Path, content: str | bytes) -> Path:
        file = folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
        return file

    return put


class Sentry:
    """Hears of what no parser does. An audit hook can't be removed, so it can be switched off."""

    def __init__(self) -> None:
        self.heard: list[str] | None = None
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.heard is None:
            return
        if event.startswith(FORBIDDEN) or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        ):
            self.heard.append(f"{event} {arguments!r}"[:300])

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """Give the list of what is heard until the end of the block."""
        heard: list[str] = []
        self.heard = heard
        try:
            yield heard
        finally:
            self.heard = None


class Hangs(BaseException):
    """An input took too long. No parser catches this."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``Hangs`` in the block once it has taken so long."""

    def stop(number: int, frame: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1)  # and again, if the first was raised where Python ignores errors
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def try_input(parser: Parser, sentry: Sentry, folder: Path, given: Any) -> Exception | None:
    """Parse an input; return the error if it was refused. Fails if the parser did anything that it does not promise."""
    refused: Exception | None = None
    ready = parser.put(folder, given)
    with limited(SECONDS), sentry.listening() as heard:
        try:
            parser.parse(ready)
        except parser.raises as error:
            refused = error
        except BaseException as error:
            error.add_note(f"{parser.name} was given {repr(given)[:1000]}")
            raise
    if heard and heard[0].startswith(LAZY):
        return try_input(parser, sentry, folder, given)
    assert not heard, f"{parser.name} did what no parser does: {heard[:3]}"
    if refused is not None:
        message = str(refused)
        assert message, f"{parser.name}: {type(refused).__name__} without a message"
        assert len(message) <= LONGEST_MESSAGE, f"{parser.name}: a message of {len(message)} characters"
        assert "set_int_max_str_digits" not in message, f"{parser.name}: {message}"
    return refused


def fuzz(parser: Parser, sentry: Sentry, folder: Path, drawn: Any, seed: int, mutants: int) -> int:
    """Try an input and so many mutants of it, each of the one before or of a sample; return how many were tried."""
    random, given = Random(seed), drawn
    for count in range(mutants + 1):
        if count:
            given = parser.mutate(random, random.choice((given, drawn, *parser.samples)))
        try_input(parser, sentry, folder, given)
    return mutants + 1
