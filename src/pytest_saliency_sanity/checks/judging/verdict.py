"""Turns measurements into verdicts: every verdict on numbers, of every check, is made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ...foundation.limits import LEAST_IMAGES
from ...measuring.interval import Interval
from ...measuring.looks import with_one_more
from ...measuring.profile import SrcProfile
from ...measuring.statistics import mean_interval, similarity_interval
from ..registry import SIMILARITY
from .result import StageVerdict, Verdict

# The ReLU of Grad-CAM blanks the map of a randomised model with probability 1/2, at worst for a whole draw of weights.
# With eight draws, the chance that at most one is left is 9 in 256. Below a fifth, something else is wrong.
LEAST_DEFINED = 0.2
SURE = ("passed", "failed")


def judge_stages(
    profile: SrcProfile,
    threshold: float | Mapping[str, float],
    confidence: float = 0.95,
    *,
    quantity: str = SIMILARITY,
    above: bool = False,
    few: bool = False,
) -> tuple[StageVerdict, ...]:
    """Judge every stage of a profile: it passes if the upper confidence bound is below the threshold.

    ``threshold``: one for all stages, or one for each stage by name. ``quantity``: what is judged, the similarity (the
    mean of |SRC|) or the mean ``SRC``, for which a map and its negative are opposites. ``above``: a stage passes if the
    lower bound is above the threshold instead. ``few``: whether more images can still be had, and there are few so far.

    Failed if the whole interval is on the other side; inconclusive if it contains the threshold; undefined if SRCs
    are defined for fewer than ``LEAST_IMAGES`` images, or for less than ``LEAST_DEFINED`` of all.
    """
    measure = partial(interval_of, confidence=confidence, quantity=quantity)
    return tuple(
        judge_look(
            stage,
            profile.at(stage),
            measure,
            threshold if isinstance(threshold, int | float) else threshold[stage],
            above=above,
            few=few,
        )
        for stage in profile.stages
    )


def interval_of(values: np.ndarray, *, confidence: float, quantity: str) -> Interval:
    """Return the judged quantity of the SRCs of a stage ``(draws, images)``, and its interval."""
    measure = similarity_interval if quantity == SIMILARITY else mean_interval
    return measure(values, confidence)


def judge_look(
    stage: str,
    values: np.ndarray,
    measure: Callable[[np.ndarray], Interval],
    threshold: float,
    *,
    above: bool,
    few: bool,
) -> StageVerdict:
    """Judge the ``values`` ``(draws, images)`` of a stage by their interval, that of ``measure``.

    ``few``: whether there are few images so far. Then a verdict counts only if one more image, of another kind, would
    not change it (``measuring.looks``).
    """
    judged = judge(stage, values, measure(values), threshold, above=above)
    if few and judged.verdict in SURE:
        more = with_one_more(values, 1.0 if judged.interval.high <= threshold else 0.0)
        if verdict_on(more, measure(more), threshold, above=above) != judged.verdict:
            return replace(judged, verdict="inconclusive")
    return judged


def judge(stage: str, values: np.ndarray, interval: Interval, threshold: float, *, above: bool) -> StageVerdict:
    """Judge the ``values`` ``(draws, images)`` of a stage, NaN if undefined, by their interval."""
    verdict = verdict_on(values, interval, threshold, above=above)
    return StageVerdict(stage, threshold, verdict, interval, int(np.isnan(values).sum()), values.size, above)


def verdict_on(values: np.ndarray, interval: Interval, threshold: float, *, above: bool) -> Verdict:
    """Return the verdict on ``values`` ``(draws, images)``, NaN if undefined, by their interval."""
    defined = values == values
    if int(defined.any(0).sum()) < LEAST_IMAGES or int(defined.sum()) < LEAST_DEFINED * values.size:
        return "undefined"
    return side_of(interval, threshold, above=above)


def side_of(interval: Interval, threshold: float, *, above: bool) -> Verdict:
    """Return the verdict on a quantity that is defined often enough: on which side its whole interval lies."""
    right = interval.low > threshold if above else interval.high < threshold
    wrong = interval.high <= threshold if above else interval.low >= threshold
    return "passed" if right else "failed" if wrong else "inconclusive"
