"""What all checks have in common that ask an SRC to stay below or above a threshold: measure, judge, explain."""

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
# A network of a hundred layers would otherwise be measured for an hour, to explain a verdict that is known.
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
    """Ask whether the SRC of absolute maps, as they are seen, stays on its side of the threshold.

    ``thresholds``: by what ``at`` of ``src_profile`` takes. ``seeds``: how many times the intervention is drawn. All
    random numbers depend on the seed, the check and the model alone.

    Raises SaliencyMethodError if the method raises or returns no maps.
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
    cascade = measured_further(measurement.profile, profile, stages, every) if subject.explain else profile
    # The message names the seed that a reader can type, not the one that was derived from it.
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


def measured_further(
    measure: Callable[[At], SrcProfile], profile: SrcProfile, stages: Sequence[StageVerdict], every: Collection[str]
) -> SrcProfile:
    """Return the profile; if its stages do not pass, one with more, so that a reader sees where the cascade stands.

    ``every``: the names of all stages. Of many, the judged ones and ``MOST_SHOWN`` others are measured, evenly spread.
    """
    if decisive(stages).verdict == "passed" or set(every) == set(profile.stages):
        return profile
    return measure(shown(every, profile.stages))


def shown(every: Collection[str], judged: Collection[str]) -> tuple[str, ...]:
    """Return the stages to show of all, in order: the judged ones, and at most ``MOST_SHOWN`` of the others."""
    others = [stage for stage in every if stage not in judged]
    step = max(1, ceil(len(others) / MOST_SHOWN))
    return tuple(stage for stage in every if stage in judged or stage in others[::step])
