"""From SRCs to a verdict. Every verdict of every check is made here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...measuring.profile import SrcProfile
from ...measuring.statistics import Interval
from ..catalogue import LEAST_IMAGES
from .result import Verdict

# Grad-CAM's own ReLU blanks the map of a randomised model with probability 1/2, for a whole draw of weights at worst:
# eight draws leave at most one of them with a chance of 9 in 256. Below a fifth, something else is wrong.
LEAST_DEFINED = 0.2

WORST_FIRST: tuple[Verdict, ...] = ("failed", "undefined", "inconclusive", "passed")


@dataclass(frozen=True)
class StageVerdict:
    """The verdict on one stage: whether |mean SRC|, whose mean and bounds are ``interval``, is below ``threshold``.

    With ``above``, whether the mean SRC is above it.
    """

    stage: str
    threshold: float
    verdict: Verdict
    interval: Interval
    undefined: int
    total: int
    above: bool = False

    @property
    def excess(self) -> float:
        """How far the mean is on the wrong side of the threshold."""
        mean = self.interval.mean
        return self.threshold - mean if self.above else abs(mean) - self.threshold


def judge_stages(
    profile: SrcProfile, threshold: float | Mapping[str, float], confidence: float = 0.95, *, above: bool = False
) -> list[StageVerdict]:
    """Judge every stage of a profile: it passes where the upper confidence bound of |mean SRC| is below the threshold.

    ``threshold``: one for all stages, or one for each by its name. With ``above`` it passes where the lower bound of
    the mean SRC is above the threshold.

    Failed where the whole interval is on the other side; inconclusive where it straddles the threshold; undefined where
    fewer than ``LEAST_IMAGES`` images or ``LEAST_DEFINED`` of the SRCs are defined.
    """
    return [
        _judge_stage(
            profile, stage, threshold if isinstance(threshold, int | float) else threshold[stage], confidence, above
        )
        for stage in profile.stages
    ]


def decisive(verdicts: Sequence[StageVerdict]) -> StageVerdict:
    """Return the stage that decides: of those with the worst verdict, the one whose mean SRC is worst."""
    worst = min((each.verdict for each in verdicts), key=WORST_FIRST.index)
    return max((each for each in verdicts if each.verdict == worst), key=lambda each: each.excess)


def _judge_stage(profile: SrcProfile, stage: str, threshold: float, confidence: float, above: bool) -> StageVerdict:
    src = profile.at(stage)
    interval = profile.interval(stage, confidence)
    verdict = verdict_on(src, interval, threshold, above=above)
    return StageVerdict(stage, threshold, verdict, interval, profile.undefined(stage), src.size, above)


def verdict_on(values: np.ndarray, interval: Interval, threshold: float, *, above: bool) -> Verdict:
    """Return the verdict on what was measured, ``(draws, images)`` with NaN where undefined, and its interval."""
    defined = values == values
    if int(defined.any(0).sum()) < LEAST_IMAGES or int(defined.sum()) < LEAST_DEFINED * values.size:
        return "undefined"
    if above:
        return _side(interval.low > threshold, interval.high <= threshold)
    return _side(interval.absolute().high < threshold, interval.absolute().low >= threshold)


def _side(right: bool, wrong: bool) -> Verdict:
    return "passed" if right else "failed" if wrong else "inconclusive"
