"""What a check is put to: a method on a model, and what they are looked at with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from ...data.batch import Batch
from ...foundation.inference import images_for, logits_of
from ...foundation.randomness import derived_seed
from ...interventions.stage import Randomization
from ...measuring.profile import SrcProfile
from ...measuring.src import At, Measurement
from ...measuring.statistics import Interval
from ...methods.protocol import SaliencyMethod
from ..catalogue import Check
from .judgement import judge_src
from .message import BELOW, Words
from .result import CheckResult
from .verdict import StageVerdict

SIGN = "absolute"


@dataclass(frozen=True)
class Subject:
    """A method on a model with their names, the images to explain, and the seed of all that is drawn."""

    method: SaliencyMethod
    method_name: str
    model: nn.Module = field(repr=False)
    model_name: str
    batch: Batch = field(repr=False)
    seed: int = 0


def require_fits(subject: Subject) -> None:
    """Raise ValueError, before long work, unless the model takes the images and gives logits."""
    images = images_for(subject.model, subject.batch.images)
    try:
        logits_of(subject.model, images[:2])
    except Exception as error:  # whatever the model does with images that are not for it
        raise ValueError(
            f"{subject.model_name} can't be asked about the images {tuple(images.shape)}: {type(error).__name__}: "
            f"{error}\nOverride the fixture saliency_batch with images for it, or wrap the model so that it returns "
            "logits (N, classes)"
        ) from error


def judged(
    check: Check,
    variant: str,
    subject: Subject,
    randomization: Randomization,
    *,
    thresholds: Mapping[str, float],
    seeds: int,
    words: Words = BELOW,
) -> CheckResult:
    """Return the result of asking that the SRC of absolute maps, as they are seen, stays on its side of the threshold.

    ``thresholds``: by what ``at`` of ``src_profile`` takes. All random numbers depend on the seed, the check and the
    model alone.
    """
    title = f"{check.name}[{variant}]" if variant else check.name
    bound = randomization.bind(images_for(subject.model, subject.batch.images), 0)
    by_stage = {stage: threshold for at, threshold in thresholds.items() for stage in bound.names(at)}

    measurement = Measurement(
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

    def measure(at: At) -> SrcProfile:
        return replace(measurement.profile(at), seed=subject.seed)  # the seed that a reader can type

    judgement = judge_src(
        title, measure, at=tuple(by_stage), threshold=by_stage, above=check.above, words=words, every=bound.names()
    )
    deciding = judgement.deciding
    mean, low, high = plain(deciding.interval)
    return CheckResult(
        check=title,
        method=subject.method_name,
        model=subject.model_name,
        verdict=deciding.verdict,
        statistic=mean,
        interval=None if low is None or high is None else (low, high),
        threshold=deciding.threshold,
        message=judgement.message,
        measured={
            "sign": SIGN,
            "must_be": "above" if check.above else "below",
            "images": len(subject.batch),
            "draws": judgement.profile.src.shape[0],
            "seed": subject.seed,
            "stage": deciding.stage,
            "undefined": deciding.undefined,
            "total": deciding.total,
            "judged": [as_plain(each) for each in judgement.judged],
        },
    )


def as_plain(judged: StageVerdict) -> dict[str, Any]:
    """Return the verdict on a stage in plain values."""
    mean, low, high = plain(judged.interval)
    return {
        "stage": judged.stage,
        "verdict": judged.verdict,
        "threshold": judged.threshold,
        "mean": mean,
        "low": low,
        "high": high,
        "undefined": judged.undefined,
    }


def plain(interval: Interval) -> tuple[float | None, float | None, float | None]:
    """Return mean, low and high, None where undefined: JSON has no NaN."""
    mean, low, high = (None if value != value else float(value) for value in interval)
    return mean, low, high
