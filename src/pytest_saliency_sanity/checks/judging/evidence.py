"""What a verdict rests on, stage by stage and for the eye. Standard library only, though it holds numpy's arrays.

``Point`` is one number of a curve or a bar, and is kept in records. ``Evidence`` holds arrays, which are kept beside
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

from ...measuring.interval import Interval

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Point:
    """A quantity at a stage, as a curve or a bar shows it.

    ``quantity``: what was measured, in words. ``sign``: how maps were read, ``"signed"`` or ``"absolute"``.
    ``interval``: its mean and bounds. ``by_draw``: its mean under each draw, None where nothing is defined. ``images``
    and ``draws``: how many were measured, which for a stage that is only shown is fewer than for one that is judged.
    ``undefined`` of ``images x draws`` values are undefined, ``dead`` of them because the randomised network was dead.
    """

    stage: str
    quantity: str
    sign: str
    interval: Interval
    by_draw: tuple[float | None, ...] = ()
    images: int = 0
    draws: int = 1
    undefined: int = 0
    dead: int = 0

    def as_record(self) -> dict[str, Any]:
        """Return the point as JSON primitives; ``from_record`` is the inverse."""
        record = asdict(self) | {"by_draw": [finite(each) for each in self.by_draw]}
        del record["interval"]
        return record | bounds_of(self.interval)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Point:
        """Return the point of such a record as ``as_record`` returns."""
        own, interval = without_bounds(cls, record)
        return cls(**own | {"by_draw": tuple(own["by_draw"])}, interval=interval)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Values image by image, and a few maps.

    ``values``: by how maps were read and by stage, float64 ``(draws, images)``, NaN where undefined. ``maps``: of the
    first images under the first draw, by the network or stage that they explain, each float32 ``(k, h, w)``.
    ``pictures``: the images that they explain, uint8 ``(k, h, w, 1 or 3)``; None if there are none.
    """

    values: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)
    pictures: np.ndarray | None = None

    @property
    def has_maps(self) -> bool:
        """Whether there is a map of every network and stage, so that they can be shown side by side."""
        return bool(self.maps) and all(map(len, self.maps.values()))


def finite(value: float | None) -> float | None:
    """Return a number as JSON has it: there is neither NaN nor infinity, so both are None."""
    return float(value) if value is not None and isfinite(value) else None


def bounds_of(interval: Interval) -> dict[str, float | None]:
    """Return an interval as JSON primitives."""
    return {name: finite(value) for name, value in interval._asdict().items()}


def without_bounds(kind: type, record: Mapping[str, Any]) -> tuple[dict[str, Any], Interval]:
    """Return what a record has for a class besides its interval, and the interval. Keys that are new are left out."""
    own = {each.name: record[each.name] for each in fields(kind) if each.name != "interval"}
    return own, Interval(*(nan if record[name] is None else record[name] for name in Interval._fields))
