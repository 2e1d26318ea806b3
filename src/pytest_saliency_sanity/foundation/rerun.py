"""The command that runs the current test again, as pytest's plugin sets it. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_commands: list[Callable[[], str]] = []


@contextmanager
def running(command: Callable[[], str]) -> Iterator[None]:
    """Make ``current_command`` return ``command()`` within the context."""
    _commands.append(command)
    try:
        yield
    finally:
        _commands.pop()


def current_command() -> str | None:
    """Return the command that runs the current test again; None outside a test."""
    return _commands[-1]() if _commands else None
