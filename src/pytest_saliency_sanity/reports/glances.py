"""A glance at a method's maps: a few values of a few maps, by which methods that draw the same picture are known.

Standard library only: glances travel between processes. ``reports.glance`` takes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

# Of a map's largest value. Different code for the same formula agrees to 1e-5; different formulas do not to 1e-1.
TOLERANCE = 2e-3


@dataclass(frozen=True)
class Sample:
    """The size ``(h, w)`` of some maps and, of each, some absolute values relative to its largest."""

    size: tuple[int, ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Glance:
    """A sample of a method's maps on a model, and of the maps of what methods are compared with; None if unknown.

    ``layer``: the name of the layer that the method says it looks at, empty if it says none.
    """

    method: str
    model: str
    layer: str
    maps: Sample | None
    compared: Mapping[str, Sample | None]

    def as_record(self) -> dict[str, Any]:
        """Return the glance as JSON primitives, from which ``from_record`` makes it again."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Glance:
        """Return the glance that ``as_record`` described."""
        compared = {name: _sample_of(each) for name, each in record["compared"].items()}
        return cls(record["method"], record["model"], record["layer"], _sample_of(record["maps"]), compared)


def mimics(glances: Sequence[Glance]) -> list[str]:
    """Return a line for each method whose maps are those of another: the gradient, the input, or one of the same run.

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
    """Return a line for each method and model that says which layer it looks at."""
    return [
        f"{glance.method} looks at the layer {glance.layer} of {glance.model}" for glance in glances if glance.layer
    ]


def same(maps: Sample | None, others: Sample | None) -> bool:
    """Return whether two samples are of the same maps. Images of which both maps are 0 throughout say nothing."""
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
