"""Glances: a few values of a few maps, by which methods that draw the same picture are found.

Standard library only, since glances travel between processes. ``reports.glance`` takes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

# Relative to a map's largest value. Different code for the same formula differs by 1e-5, different formulas by 1e-1.
TOLERANCE = 2e-3


@dataclass(frozen=True)
class Sample:
    """The size ``(h, w)`` of some maps, and some absolute values of each map, relative to its largest."""

    size: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Glance:
    """A sample of a method's maps on a model, and of the maps of the methods it is compared with; None if unknown.

    ``layer``: the name of the layer that the method explains; empty if it does not say. ``seconds``: how long an
    explanation took; ``cost``: how long a question takes, roughly.
    """

    method: str
    model: str
    layer: str
    maps: Sample | None
    compared: Mapping[str, Sample | None]
    seconds: float = 0.0
    cost: float = 0.0

    def as_record(self) -> dict[str, Any]:
        """Return the glance as JSON primitives; ``from_record`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Glance:
        """Return the glance of such a record as ``as_record`` returns."""
        compared = {name: _sample_of(each) for name, each in record["compared"].items()}
        maps = _sample_of(record["maps"])
        costs = record["seconds"], record["cost"]
        return cls(record["method"], record["model"], record["layer"], maps, compared, *costs)


def mimics(glances: Sequence[Glance]) -> list[str]:
    """Return a line for each method whose maps equal those of the gradient, the input, or another method of the run.

    ``glances``: one for each method and model.
    """
    lines = []
    for glance in glances:
        for name, other in glance.compared.items():
            if name != glance.method and same(glance.maps, other):
                lines.append(f"{glance.method} draws the same maps as {name} on {glance.model}")
    for first, second in _pairs(glances):
        if same(first.maps, second.maps) and first.method not in first.compared:
            lines.append(f"{second.method} draws the same maps as {first.method} on {first.model}")
    return list(dict.fromkeys(lines))


def layers(glances: Sequence[Glance]) -> list[str]:
    """Return a line for each method and model that names the layer explained."""
    return [
        f"{glance.method} looks at the layer {glance.layer} of {glance.model}" for glance in glances if glance.layer
    ]


def same(maps: Sample | None, others: Sample | None) -> bool:
    """Return whether two samples are of the same maps. Images whose maps are both 0 everywhere do not count."""
    if not (maps and others) or maps.size != others.size:
        return False
    pairs = [pair for pair in zip(maps.values, others.values, strict=True) if any(pair[0]) or any(pair[1])]
    return bool(pairs) and all(
        abs(one - other) <= TOLERANCE for row, other_row in pairs for one, other in zip(row, other_row, strict=True)
    )


def _pairs(glances: Sequence[Glance]) -> Iterator[tuple[Glance, Glance]]:
    for first, second in combinations(glances, 2):
        if first.model == second.model and second.method not in first.compared:
            yield first, second


def _sample_of(record: Mapping[str, Any] | None) -> Sample | None:
    return record and Sample(tuple(record["size"]), tuple(map(tuple, record["values"])))  # type: ignore[return-value]
