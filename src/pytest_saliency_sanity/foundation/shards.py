"""A share of things that are split over several machines. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from .errors import quoted

T = TypeVar("T", bound=tuple[str, ...])
MOST_SHARDS = 10_000


@dataclass(frozen=True)
class Shard:
    """The shard ``number``, 1 to ``count``."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, parts: Collection[T]) -> set[T]:
        """Return the parts of this shard: dealt out in the order of their names, so the same on every machine.

        All shards together have each part once, and differ by one part at most.
        """
        return set(sorted(parts)[self.number - 1 :: self.count])


def parse_shard(text: str) -> Shard:
    """Return the shard that ``I/N`` means. Raises ValueError for anything else."""
    found = re.fullmatch(r"([0-9]{1,5})/([0-9]{1,5})", text.strip())
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count <= MOST_SHARDS:
        raise ValueError(f"{quoted(text)} is not of the form I/N, shard I of N, as in 1/3 (I from 1 to N)")
    return Shard(number, count)
