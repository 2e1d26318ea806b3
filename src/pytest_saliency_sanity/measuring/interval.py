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

    def absolute(self) -> Interval:
        """Return the interval of |mean|, which is judged, since an SRC of -0.9 shows the same dependence as 0.9."""
        low = 0.0 if self.low <= 0 <= self.high else min(abs(self.low), abs(self.high))
        return Interval(abs(self.mean), low, max(abs(self.low), abs(self.high)))
