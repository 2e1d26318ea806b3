"""The command that runs the current test again, as whoever runs the tests knows it. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_commands: list[Callable[[], str]] = []


@contextmanager
def running(command: Callable[[], str]) -> Iterator[None]:
    """Answer ``current_command`` with ``command()`` for what is called inside."""
    _commands.append(command)
    try:
        yield
    finally:
        _commands.pop()


def current_command() -> str | None:
    """Return the command that runs the current test again; None outside of a test."""
    return _commands[-1]() if _commands else None
