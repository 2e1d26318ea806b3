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

    @property
    def text(self) -> str:
        """The mean and its bounds: ``0.345 [0.179, 0.511]``."""
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]" if self.defined else "none defined"
