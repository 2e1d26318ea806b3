"""Where the number of a question, its threshold and chance stand on a line, so that one sees how they lie."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from ...checks.judging.result import StageVerdict

LENGTH, MARGIN = 400.0, 10.0  # of the line, in units of its drawing


@dataclass(frozen=True)
class Places:
    """The places of a mean, its bounds and its threshold, and of what random maps score, None if that is unknown."""

    mean: float
    low: float
    high: float
    threshold: float
    chance: float | None


def places_of(judged: StageVerdict, chance: float | None) -> Places | None:
    """Return the places on a line from 0 to 1, or from -1 if there are negative numbers, or further if it must be.

    None if nothing is defined.
    """
    if not all(map(isfinite, judged.interval)):
        return None
    known = chance if chance is not None and isfinite(chance) else None
    numbers = [*judged.interval, judged.threshold, *([] if known is None else [known])]
    first = min(-1.0, *numbers) if min(numbers) < 0 else 0.0
    unit = LENGTH / (max(1.0, *numbers) - first)

    def place(number: float) -> float:
        return round((number - first) * unit + MARGIN, 1)

    mean, low, high = map(place, judged.interval)
    return Places(mean, low, high, place(judged.threshold), None if known is None else place(known))
