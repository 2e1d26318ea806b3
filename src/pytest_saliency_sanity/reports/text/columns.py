"""Text that fits the columns of a terminal. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import combining, east_asian_width

WIDTH = 80  # columns of a log, and of a terminal that nobody made wider
GAP = "…"


def plain(text: str) -> str:
    """Return a text in one line, without control characters: a name or a reason may hold anything."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in " ".join(text.split()))


def columns(text: str) -> int:
    """Return how many columns a text takes: two for a character of Chinese or Japanese, none for an accent."""
    return sum(0 if combining(each) else 1 + (east_asian_width(each) in "WF") for each in text)


def shortened(text: str, width: int) -> str:
    """Return a text that takes at most ``width`` columns: what is too much is left out in the middle."""
    if columns(text) <= width:
        return text
    room = max(0, width - columns(GAP))
    head = _first(text, room - room // 2)
    tail = _first(text[len(head) :][::-1], room - columns("".join(head)))
    return "".join([*head, GAP, *reversed(tail)])


def _first(text: str, width: int) -> list[str]:
    """Return the first characters of a text that take at most ``width`` columns."""
    found: list[str] = []
    for each in text:
        width -= columns(each)
        if width < 0:
            break
        found.append(each)
    return found


def wrapped(text: str, indent: str = "", further: str = "  ") -> Iterator[str]:
    """Yield the lines of a text, broken between words; a longer word, such as a path, stays whole.

    ``indent``: of the first line. ``further``: of those that follow it, besides.
    """
    line = indent
    for word in text.split():
        if line.strip() and columns(f"{line} {word}") > WIDTH:
            yield line
            line = indent + further
        line += f"{' ' * bool(line.strip())}{word}"
    yield line
