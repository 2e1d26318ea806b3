"""Says where in a user's own code something happens: not in this package, an installed one, or Python's own."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from traceback import FrameSummary, StackSummary, walk_tb

from . import errors

PACKAGE = str(Path(__file__).parents[1])
OURS = (ValueError, TypeError, ImportError, errors.CheckpointError)
INSTALLED = ("site-packages", "dist-packages")


def raised_in(error: BaseException) -> str:
    """Return where an error was raised, as ``file:line, function``; empty if no code of the user's own was running."""
    stack = StackSummary.extract(walk_tb(error.__traceback__), lookup_lines=False)
    own = innermost_own(stack)
    return described(own) if own else ""


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Make what a user's own code raises within the context a ValueError that says where, also if it exits.

    Errors of ours, which say what was wrong themselves, and Ctrl-C stay what they are. ``what``: what is called.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        place = raised_in(error)
        if isinstance(error, OURS) and not place:
            raise
        raise ValueError(f"{what} raised {errors.described(error)}{f', in {place}' if place else ''}") from error


def innermost_own(stack: Iterable[FrameSummary]) -> FrameSummary | None:
    """Return the innermost frame of the user's own code; None if there is none. ``stack``: the innermost comes last."""
    return next((each for each in reversed([*stack]) if is_own(each.filename)), None)


def described(frame: FrameSummary) -> str:
    """Return ``file:line, function``; the file from the working directory if it lies below."""
    file = frame.filename
    if file.startswith(here := os.path.join(os.getcwd(), "")):
        file = file.removeprefix(here)
    return f"{file}:{frame.lineno}, {frame.name}"


@cache
def is_own(file: str) -> bool:
    """Return whether a source file is the user's own."""
    if file.startswith("<"):  # made by no file, as importlib's frozen modules are
        return False
    if any(name in INSTALLED for name in Path(file).parts):
        return False
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), PACKAGE)
    return not any(file.startswith(os.path.join(folder, "")) for folder in standard)
