"""Notes on what methods do that costs memory, without being wrong. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# Bytes that a method may keep, in all questions, without a note.
MUCH = 32 * 2**20


def notes_on_habits(told: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return a line for each thing that was noticed. ``told``: methods, and what was noticed at a question each."""
    larger: dict[str, str] = {}
    kept: dict[str, int] = {}
    printed: dict[str, int] = {}
    for method, habits in told:
        if habits["larger"]:
            larger.setdefault(method, habits["larger"])
        kept[method] = kept.get(method, 0) + habits["kept"]
        printed[method] = printed.get(method, 0) + habits["printed"]
    return [
        *(f"{method} returns maps of {sizes}: they are averaged down to that size" for method, sizes in larger.items()),
        *(
            f"{method} keeps tensors that it was given or returned: {in_words(size)} are still held after its "
            "questions, so memory grows with every call"
            for method, size in kept.items()
            if size > MUCH
        ),
        *(
            f"{method} printed {in_words(size, 'characters')}, of which the first of each question are kept"
            for method, size in printed.items()
            if size
        ),
    ]


def in_words(size: int, unit: str = "bytes") -> str:
    """Return a size in words: ``1.5 GB``, ``10 million characters``."""
    if unit == "bytes":
        return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
    return f"{size / 1e6:.1f} million {unit}" if size >= 1e6 else f"{size:,} {unit}"
