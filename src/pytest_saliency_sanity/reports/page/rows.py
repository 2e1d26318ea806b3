"""The numbers of a question as the page lists them."""

from __future__ import annotations

from dataclasses import dataclass
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


def rows_of(result: CheckResult) -> list[Row]:
    """Return the rows of all stages of a result, those that are only judged last."""
    sign = result.curve[0].sign if result.curve else result.measured.sign
    judged = {(stage.stage, sign): stage for stage in result.stages}
    judged |= {(stage.stage, "absolute"): stage for stage in result.magnitudes}
    points = [row_of(point, judged.pop((point.stage, point.sign), None)) for point in result.curve]
    return [*points, *(row_of_verdict(stage, way, result) for (_, way), stage in judged.items())]


def row_of(point: Point, judged: StageVerdict | None) -> Row:
    """Return the row of a point, and of the verdict on it if it was judged."""
    return Row(
        point.stage,
        {"signed": "as given", "absolute": "by magnitude"}.get(point.sign, point.sign),
        point.quantity,
        f"{point.interval.mean:.3f}" if point.interval.defined else "none defined",
        interval_of(point.interval),
        f"{point.images} x {point.draws}",
        f"{point.undefined} of {point.images * point.draws}" if point.undefined else "0",
        side_of(judged) if judged else "",
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
    return f"{value:.3f}" if isfinite(value) else "-"


def side_of(stage: StageVerdict) -> str:
    """Return on which side of which threshold a number must stay."""
    return f"{'above' if stage.above else 'below'} {stage.threshold:g}"
