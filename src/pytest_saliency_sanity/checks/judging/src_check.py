"""Runs a check of an SRC against a threshold: measure, judge, explain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import NamedTuple

from ...foundation.ids import with_variant
from ...foundation.randomness import derived_seed
from ...foundation.reading import Reading
from ...interventions.stage import Randomization
from ...measuring.looks import Looking, has_few_images
from ...measuring.profile import SrcProfile
from ...measuring.src import SrcMeasurement
from ...measuring.statistics import similarity_by_chance
from ...methods.protocol import SaliencyMethod
from ..registry import IMAGES, SIMILARITY, Check
from .message import BELOW, Words, explain
from .result import CheckResult, Finding, Measured, StageVerdict, decisive
from .showing import curve_of, evidence_of, profiles_to_explain, profiles_to_illustrate
from .subject import Subject
from .verdict import judge_stages

OUTLINE = "the signs change, the picture of magnitudes does not: what is left is the image's own outline"


def check_src(
    check: Check,
    variant: str,
    subject: Subject,
    randomization: Randomization,
    *,
    draws: int,
    threshold: float | None = None,
    at: Collection[str] | None = None,
    words: Words = BELOW,
    method: SaliencyMethod | None = None,
) -> CheckResult:
    """Check that maps, rounded to what a screen can show, stay on their side of the threshold.

    ``threshold``: in place of the calibrated ones. ``at``: the stages to judge, those of the check's thresholds by
    default, by name or by ``"last"`` and the like, as in ``at`` of ``src_profile``. ``draws``: how many times the
    intervention is usually drawn. ``method``: what explains the stages, if it is not that of the subject. All random
    numbers depend on the seed, the check and the model alone.

    More and more images and draws are looked at, until the verdict is sure, unless the subject says all images.

    If the check judges the similarity of maps with signs, that of their magnitudes is judged as well, as a finding.
    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    title = with_variant(check.name, variant)
    reading = subject.reading
    original = subject.original
    bound = randomization.bind(subject.sample, 0)
    judged_at = {stage: key for key in at or check.thresholds for stage in bound.names(key)}
    looking = subject.looking(draws if randomization.repeats else 1)
    if looking.is_least:
        judged_at = most_telling(judged_at)
    both = check.quantity == SIMILARITY and reading.sign == "signed"
    measurement = SrcMeasurement(
        method=method or subject.method,
        method_name=subject.method_name,
        model_name=subject.model_name,
        randomizer=randomization,
        batch=subject.most,
        signs=("signed", "absolute") if both else (reading.sign,),
        seeds=draws,
        seed=derived_seed(subject.seed, title, subject.model_name),
        seen=True,
        original=original,
        sample=len(subject.sample),
    )
    judging = Judging(check, judged_at, threshold, reading)
    judged = first_sure(
        measurement, judging, looking, finding=check.is_finding(variant), magnitudes=subject.settles_findings
    )
    every = bound.names()
    verdict = decisive(judged.stages).verdict
    explained: tuple[SrcProfile, ...] = judged.profiles
    illustrated: tuple[SrcProfile, ...] = ()
    if not looking.is_least:  # of a slow method, no stage is measured only to be shown
        if verdict != "passed" and subject.explain:
            explained = profiles_to_explain(measurement, judged.profiles, every)
        elif verdict == "passed" and subject.illustrate:
            illustrated = profiles_to_illustrate(measurement, judged.profiles, every)
    cascade, shown = explained[0], (judged.profiles, explained, illustrated)
    measured = Measured(
        subject.seed,
        reading.sign,
        judged.has_signs,
        images=judged.profile.src.shape[2],
        draws=judged.profile.src.shape[0],
        looks=judged.looks,
        confidence=reading.confidence,
        chance=similarity_by_chance(prod(subject.first_view.size)) if check.quantity == SIMILARITY else 0.0,
    )
    findings = findings_of(judged.stages, judged.magnitudes, unclear=subject.settles_findings)
    # The message names the seed that a user can pass, not the one derived from it.
    cascade = replace(cascade, seed=subject.seed)
    return CheckResult(
        check=title,
        method=subject.method_name,
        model=subject.model_name,
        verdict=verdict,
        message=explain(
            title,
            judged.stages,
            cascade,
            measured,
            words,
            check.quantity,
            findings,
            total=len(every),
            level=judged.level,
            more=subject.to_ask_for_more(verdict) if looking.short else "",
        ),
        measured=measured,
        stages=judged.stages,
        magnitudes=judged.magnitudes,
        findings=findings,
        curve=tuple(curve_of(shown, every, check.quantity, judged.level)),
        evidence=evidence_of(shown, every),
    )


class Judged(NamedTuple):
    """What was seen at a look: the profiles, the verdicts on the stages of the first and on the magnitudes of its maps.

    ``profiles``: as judged, then by magnitude, if maps have signs. ``looks``: how many looks were taken. ``level``: the
    confidence of the intervals.
    """

    profiles: tuple[SrcProfile, ...]
    stages: tuple[StageVerdict, ...]
    magnitudes: tuple[StageVerdict, ...]
    has_signs: bool
    looks: int
    level: float

    @property
    def profile(self) -> SrcProfile:
        """The profile that is judged."""
        return self.profiles[0]


class Judging(NamedTuple):
    """How a profile is judged: by which check, at which stages (with the stage of ``thresholds`` that each means)."""

    check: Check
    judged_at: Mapping[str, str]
    threshold: float | None
    reading: Reading

    def judge(self, profile: SrcProfile, confidence: float, *, signed: bool, few: bool) -> tuple[StageVerdict, ...]:
        """Return the verdicts on the stages of a profile of maps with or without signs."""
        limits = self.check.judged_by(self.threshold, signed=signed)
        by_stage = {stage: limits[key] for stage, key in self.judged_at.items()}
        return judge_stages(
            profile, by_stage, confidence, quantity=self.check.quantity, above=self.check.above, few=few
        )


def first_sure(
    measurement: SrcMeasurement,
    judging: Judging,
    looking: Looking,
    *,
    finding: bool = False,
    magnitudes: bool = True,
) -> Judged:
    """Return what is judged at the first look that is sure, or at the last one.

    The intervals are wide enough that all looks together keep the confidence (``measuring.looks``). A finding, also one
    on magnitudes, takes no more looks than fit into ``IMAGES``. Neither do maps that are undefined: more are so too.
    ``magnitudes``: whether more is measured only to be sure of them.
    """
    looks, level, _ = looking
    growing = measurement.growing(tuple(judging.judged_at), looks)
    for taken, (look, (profile, *others)) in enumerate(zip(looks, growing, strict=True), 1):
        few = has_few_images(look, looks)
        has_signs = judging.reading.sign == "signed" and profile.has_signs
        stages = judging.judge(profile, level, signed=has_signs, few=few)
        # What does not decide need not stay so with one more image.
        guarded = few and magnitudes
        by_magnitude = judging.judge(others[0], level, signed=False, few=guarded) if others and has_signs else ()
        judged = Judged((profile, *others), stages, by_magnitude, has_signs, taken, level)
        enough = look.images >= IMAGES
        settled = is_sure(stages) or (enough and (finding or decisive(stages).verdict == "undefined"))
        if settled and (is_sure(by_magnitude) or enough or not magnitudes):
            break
    return judged


def most_telling(judged_at: Mapping[str, str]) -> dict[str, str]:
    """Return the last of the stages that are meant by what is judged first: one is enough for a slow method."""
    first = next(iter(judged_at.values()))
    return dict([(stage, key) for stage, key in judged_at.items() if key == first][-1:])


def is_sure(stages: Sequence[StageVerdict]) -> bool:
    """Return whether more images and draws are not needed: all stages passed, or one failed."""
    verdicts = {each.verdict for each in stages}
    return "failed" in verdicts or verdicts <= {"passed"}


def findings_of(
    stages: Sequence[StageVerdict], magnitudes: Sequence[StageVerdict], *, unclear: bool = True
) -> tuple[Finding, ...]:
    """Return the finding on the magnitudes of maps whose signs passed; none if the magnitudes pass too.

    ``unclear``: whether it is one that their verdict is not sure.
    """
    if not magnitudes or decisive(stages).verdict != "passed" or decisive(magnitudes).verdict == "passed":
        return ()
    worst = decisive(magnitudes)
    if worst.verdict != "failed" and not unclear:
        return ()
    if not worst.interval.defined:
        return (Finding("the magnitudes of too few maps can be compared", worst.stage),)
    text = (
        OUTLINE if worst.verdict == "failed" else "the signs change; whether the picture of magnitudes does is unclear"
    )
    return (Finding(text, f"{worst.interval.mean:.3f} by magnitude"),)
