"""Methods that draw the same picture as another: the plain gradient, the input, or another method of the same run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

# Of a map's largest value. Different code for the same formula agrees to 1e-5; different formulas do not to 1e-1.
TOLERANCE = 2e-3


def mimics(glances: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each method whose maps are those of another. ``glances``: one a method and model."""
    lines = []
    for glance in glances:
        for name, other in glance["compared"].items():
            if name != glance["method"] and same(glance["maps"], other):
                lines.append(f"{glance['method']} draws the same maps as {name} on {glance['model']}")
    for first, second in _pairs(glances):
        if same(first["maps"], second["maps"]) and first["method"] not in first["compared"]:
            lines.append(f"{second['method']} draws the same maps as {first['method']} on {first['model']}")
    return list(dict.fromkeys(lines))


def layers(glances: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line for each method and model that says which layer it looks at."""
    return [
        f"{glance['method']} looks at the layer {glance['layer']} of {glance['model']}"
        for glance in glances
        if glance["layer"]
    ]


def same(maps: dict[str, Any] | None, others: dict[str, Any] | None) -> bool:
    """Return whether two glances are at the same maps. Images of which both maps are 0 throughout say nothing."""
    if not (maps and others) or maps["size"] != others["size"]:
        return False
    pairs = [pair for pair in zip(maps["values"], others["values"], strict=True) if any(pair[0]) or any(pair[1])]
    return bool(pairs) and all(
        abs(one - other) <= TOLERANCE for row, other_row in pairs for one, other in zip(row, other_row, strict=True)
    )


def _pairs(glances: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for first, second in combinations(glances, 2):
        if first["model"] == second["model"] and second["method"] not in first["compared"]:
            yield first, second
