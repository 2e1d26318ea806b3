"""Runs a check of an SRC against a threshold: measure, judge, explain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from math import ceil

from ...foundation.ids import with_variant
from ...foundation.inference import images_for
from ...foundation.randomness import derived_seed
from ...interventions.stage import Randomization
from ...measuring.profile import SrcProfile
from ...measuring.src import At, SrcMeasurement
from ..registry import SIMILARITY, Check
from .message import BELOW, Words, explain
from .result import CheckResult, Finding, Measured, StageVerdict, decisive
from .subject import Subject
from .verdict import judge_stages

# Else a network of a hundred layers would be measured for an hour, only to explain a verdict that is known already.
MOST_SHOWN = 12
OUTLINE = "the signs change, the picture of magnitudes does not: what is left is the image's own outline"


def check_src(
    check: Check,
    variant: str,
    subject: Subject,
    randomization: Randomization,
    *,
    seeds: int,
    threshold: float | None = None,
    at: Collection[str] | None = None,
    words: Words = BELOW,
) -> CheckResult:
    """Check that maps, rounded to what a screen can show, stay on their side of the threshold.

    ``threshold``: in place of the calibrated ones. ``at``: the stages to judge, those of the check's thresholds by
    default, by name or by ``"last"`` and the like, as in ``at`` of ``src_profile``. ``seeds``: how many times the
    intervention is drawn. All random numbers depend on the seed, the check and the model alone.

    If the check judges the similarity of maps with signs, that of their magnitudes is judged as well, as a finding.
    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    title = with_variant(check.name, variant)
    reading = subject.reading
    bound = randomization.bind(images_for(subject.model, subject.batch.images), 0)
    judged_at = {stage: key for key in at or check.thresholds for stage in bound.names(key)}
    both = check.quantity == SIMILARITY and reading.sign == "signed"
    measurement = SrcMeasurement(
        method=subject.method,
        method_name=subject.method_name,
        model_name=subject.model_name,
        randomizer=randomization,
        batch=subject.batch,
        signs=("signed", "absolute") if both else (reading.sign,),
        seeds=seeds,
        seed=derived_seed(subject.seed, title, subject.model_name),
        seen=True,
    )
    profile, *magnitudes = measurement.profiles(tuple(judged_at))
    has_signs = reading.sign == "signed" and profile.has_signs

    def judge(found: SrcProfile, *, signed: bool) -> tuple[StageVerdict, ...]:
        limits = check.judged_by(threshold, signed=signed)
        by_stage = {stage: limits[key] for stage, key in judged_at.items()}
        return judge_stages(found, by_stage, reading.confidence, quantity=check.quantity, above=check.above)

    stages = judge(profile, signed=has_signs)
    by_magnitude = judge(magnitudes[0], signed=False) if magnitudes and has_signs else ()
    every = bound.names()
    cascade = profile_to_show(measurement.profile, profile, stages, every) if subject.explain else profile
    measured = Measured(
        subject.seed,
        reading.sign,
        has_signs,
        images=len(subject.batch),
        draws=profile.src.shape[0],
        confidence=reading.confidence,
    )
    findings = findings_of(stages, by_magnitude)
    # The message names the seed that a user can pass, not the one derived from it.
    shown = replace(cascade, seed=subject.seed)
    return CheckResult(
        check=title,
        method=subject.method_name,
        model=subject.model_name,
        verdict=decisive(stages).verdict,
        message=explain(title, stages, shown, measured, words, check.quantity, findings, total=len(every)),
        measured=measured,
        stages=stages,
        magnitudes=by_magnitude,
        findings=findings,
    )


def findings_of(stages: Sequence[StageVerdict], magnitudes: Sequence[StageVerdict]) -> tuple[Finding, ...]:
    """Return the finding on the magnitudes of maps whose signs passed; none if the magnitudes pass too."""
    if not magnitudes or decisive(stages).verdict != "passed" or decisive(magnitudes).verdict == "passed":
        return ()
    worst = decisive(magnitudes)
    if not worst.interval.defined:
        return (Finding("the magnitudes of too few maps can be compared", worst.stage),)
    text = (
        OUTLINE if worst.verdict == "failed" else "the signs change; whether the picture of magnitudes does is unclear"
    )
    return (Finding(text, f"{worst.interval.mean:.3f} by magnitude"),)


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
