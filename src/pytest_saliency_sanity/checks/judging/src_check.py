"""Runs a check of an SRC against a threshold: measure, judge, explain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from math import ceil

from ...foundation.ids import with_variant
from ...foundation.inference import images_for
from ...foundation.randomness import derived_seed
from ...interventions.stage import Randomization
from ...measuring.profile import SrcProfile
from ...measuring.src import At, SrcMeasurement
from ..registry import Check
from .message import BELOW, Words, explain
from .result import CheckResult, Measured, StageVerdict, decisive
from .subject import Subject
from .verdict import judge_stages

SIGN = "absolute"
# Else a network of a hundred layers would be measured for an hour, only to explain a verdict that is known already.
MOST_SHOWN = 12


def check_src(
    check: Check,
    variant: str,
    subject: Subject,
    randomization: Randomization,
    *,
    thresholds: Mapping[str, float],
    seeds: int,
    words: Words = BELOW,
) -> CheckResult:
    """Check that the SRC of absolute maps, rounded to what a screen can show, stays on its side of the threshold.

    ``thresholds``: by stage, or by ``"last"`` and the like, as in ``at`` of ``src_profile``. ``seeds``: how many times
    the intervention is drawn. All random numbers depend on the seed, the check and the model alone.

    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    title = with_variant(check.name, variant)
    bound = randomization.bind(images_for(subject.model, subject.batch.images), 0)
    by_stage = {stage: threshold for at, threshold in thresholds.items() for stage in bound.names(at)}
    measurement = SrcMeasurement(
        method=subject.method,
        method_name=subject.method_name,
        model_name=subject.model_name,
        randomizer=randomization,
        batch=subject.batch,
        sign=SIGN,
        seeds=seeds,
        seed=derived_seed(subject.seed, title, subject.model_name),
        seen=True,
    )
    profile = measurement.profile(tuple(by_stage))
    stages = judge_stages(profile, by_stage, above=check.above)
    every = bound.names()
    cascade = profile_to_show(measurement.profile, profile, stages, every) if subject.explain else profile
    # The message names the seed that a user can pass, not the one derived from it.
    message = explain(title, stages, replace(cascade, seed=subject.seed), 0.95, words, total=len(every))
    return CheckResult(
        check=title,
        method=subject.method_name,
        model=subject.model_name,
        verdict=decisive(stages).verdict,
        message=message,
        measured=Measured(subject.seed, SIGN, images=len(subject.batch), draws=profile.src.shape[0]),
        stages=stages,
    )


def profile_to_show(
    measure: Callable[[At], SrcProfile], profile: SrcProfile, stages: Sequence[StageVerdict], every: Collection[str]
) -> SrcProfile:
    """Return the profile if its stages pass; else one with more stages, to show the whole cascade in the message.

    ``every``: the names of all stages. The judged ones and up to ``MOST_SHOWN`` others, evenly spread, are measured.
    """
    if decisive(stages).verdict == "passed" or set(every) == set(profile.stages):
        return profile
    return measure(stages_to_show(every, profile.stages))


def stages_to_show(every: Collection[str], judged: Collection[str]) -> tuple[str, ...]:
    """Return the stages to show, in order: the judged ones, and at most ``MOST_SHOWN`` of the others."""
    others = [stage for stage in every if stage not in judged]
    step = max(1, ceil(len(others) / MOST_SHOWN))
    return tuple(stage for stage in every if stage in judged or stage in others[::step])
