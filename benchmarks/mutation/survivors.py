"""The mutants that no test can notice, or need not, each with the reason: ``survivors.toml``. Standard library only."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LISTED = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Survivor:
    """Mutants of a line of a file: what it becomes in each, and why none needs a test.

    ``kind``: ``equivalent``, the same results; ``speed``, the same results, sooner or later; ``words``, of a message;
    ``unseen``, it differs only where no user can get.
    """

    file: str
    line: str
    becomes: tuple[str, ...]
    kind: str
    reason: str


KINDS = ("equivalent", "speed", "words", "unseen")


def listed(path: Path = LISTED) -> list[Survivor]:
    """Return the mutants that are listed. Raises ValueError for an entry without a reason or of an unknown kind."""
    return list(_read(path))


def _read(path: Path) -> Iterator[Survivor]:
    for file, entries in tomllib.loads(path.read_text()).items():
        for entry in entries:
            if entry["kind"] not in KINDS or not entry["reason"]:
                raise ValueError(f"{file}, {entry['line']!r}: give a reason, and a kind of {', '.join(KINDS)}")
            yield Survivor(file, entry["line"], tuple(entry["becomes"]), entry["kind"], entry["reason"])
