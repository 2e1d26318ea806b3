"""A mean and its confidence bounds. Standard library only."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A mean and its confidence bounds; all NaN if nothing is defined."""

    mean: float
    low: float
    high: float

    @property
    def defined(self) -> bool:
        """Whether there is a mean."""
        return self.mean == self.mean

    @property
    def half_width(self) -> float:
        """Half the distance of the bounds."""
        return (self.high - self.low) / 2
