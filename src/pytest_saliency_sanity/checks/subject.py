"""What a check is put to: a method on a model, and what they are looked at with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from ..data.batch import Batch
from ..methods.protocol import SaliencyMethod
from ..metrics.statistics import Interval
from ..randomization.stage import Randomization
from ..randomness import derived_seed
from .below import judge_src_below
from .measurement import At, Measurement
from .profile import SrcProfile
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


def src_stays_below(
    check: str, subject: Subject, randomization: Randomization, *, thresholds: Mapping[str, float], seeds: int
) -> CheckResult:
    """Return the result of asking that the SRC of absolute maps stays below its threshold at each stage judged.

    ``thresholds``: by what ``at`` of ``src_profile`` takes. All random numbers depend on the seed, the check and the
    model alone.
    """
    bound = randomization.bind(subject.batch.images, 0)
    by_stage = {stage: threshold for at, threshold in thresholds.items() for stage in bound.names(at)}

    measurement = Measurement(
        method=subject.method,
        method_name=subject.method_name,
        model_name=subject.model_name,
        randomizer=randomization,
        batch=subject.batch,
        sign=SIGN,
        seeds=seeds,
        seed=derived_seed(subject.seed, check, subject.model_name),
    )

    def measure(at: At) -> SrcProfile:
        return replace(measurement.profile(at), seed=subject.seed)  # the seed that a reader can type

    judgement = judge_src_below(check, measure, at=tuple(by_stage), threshold=by_stage)
    deciding = judgement.deciding
    mean, low, high = plain(deciding.interval)
    return CheckResult(
        check=check,
        method=subject.method_name,
        model=subject.model_name,
        verdict=deciding.verdict,
        statistic=mean,
        interval=None if low is None or high is None else (low, high),
        threshold=deciding.threshold,
        message=judgement.message,
        measured={
            "sign": SIGN,
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
