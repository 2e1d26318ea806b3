"""The numbers of a question as the page lists them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

from ...checks.judging.evidence import Point
from ...checks.judging.result import CheckResult, StageVerdict
from ...measuring.interval import Interval


@dataclass(frozen=True)
class Row:
    """A number with its interval, as the page lists them."""

    stage: str
    sign: str
    quantity: str
    mean: str
    interval: str
    images: str
    undefined: str
    limit: str
    verdict: str


def rows_of(result: CheckResult, tier: str = "gate") -> list[Row]:
    """Return the rows of all stages of a result, those that are only judged last."""
    judged = result.judged_by_stage
    points = [row_of(point, judged.pop((point.stage, point.sign), None)) for point in result.curve]
    rows = [*points, *(row_of_verdict(stage, way, result) for (_, way), stage in judged.items())]
    signed = "with signs" if result.measured.has_signs else "without signs"
    ways = {"signed": signed, "absolute": "by magnitude"}
    by_magnitude = {stage.stage for stage in result.magnitudes} if tier == "gate" else set()
    return [
        replace(
            row,
            sign=ways.get(row.sign, row.sign),
            verdict=f"{row.verdict}, does not decide" * bool(row.verdict)
            if row.sign == "absolute" and row.stage in by_magnitude
            else row.verdict,
        )
        for row in rows
    ]


def row_of(point: Point, judged: StageVerdict | None) -> Row:
    """Return the row of a point, and of the verdict on it if it was judged."""
    return Row(
        point.stage,
        point.sign,
        point.quantity,
        number(point.interval.mean) if point.interval.defined else "none defined",
        interval_of(point.interval),
        f"{point.images} x {point.draws}",
        undefined_of(point),
        judged.must_be if judged else "",
        judged.verdict if judged else "",
    )


def row_of_verdict(stage: StageVerdict, sign: str, result: CheckResult) -> Row:
    """Return the row of a number that is judged but is no point of a curve, such as a difference."""
    measured = result.measured
    point = Point(
        stage.stage, result.quantity, sign, stage.interval, (), measured.images, measured.draws, stage.undefined
    )
    return row_of(point, stage)


def interval_of(interval: Interval) -> str:
    """Return the bounds of an interval; empty if nothing is defined."""
    return f"{bound_of(interval.low)}, {bound_of(interval.high)}" if interval.defined else ""


def bound_of(value: float) -> str:
    """Return a bound of an interval; a dash if it is none."""
    return number(value) if isfinite(value) else "-"


def number(value: float) -> str:
    """Return a number with three decimals; one that rounds to 0 has no sign."""
    return f"{round(value, 3) + 0.0:.3f}"


def undefined_of(point: Point) -> str:
    """Return how many values of a point are undefined, and whether that is since the network was dead."""
    dead = f", {point.dead} by a dead network" if point.dead else ""
    return f"{point.undefined} of {point.images * point.draws}{dead}" if point.undefined else "0"
