"""What a check is put to: a method on a model, and what they are looked at with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from ..data.batch import Batch
from ..methods.protocol import SaliencyMethod
from ..randomization.stage import Randomization
from ..randomness import derived_seed
from .below import judge_src_below
from .profile import At, SrcProfile, src_profile
from .result import CheckResult

SIGN = "absolute"


@dataclass(frozen=True)
class Subject:
    """A method on a model with their names, the images to explain, and the seed of all that is drawn."""

    method: SaliencyMethod
    method_name: str
    model: nn.Module
    model_name: str
    batch: Batch
    seed: int = 0


def src_stays_below(
    check: str, subject: Subject, randomization: Randomization, *, at: At, threshold: float, seeds: int
) -> CheckResult:
    """Return the result of asking that the SRC of absolute maps stays below a threshold at the stages ``at``.

    All random numbers depend on the seed, the check and the model alone.
    """

    def measure(at: At) -> SrcProfile:
        seed = derived_seed(subject.seed, check, subject.model_name)
        profile = src_profile(
            subject.method,
            subject.model,
            subject.batch,
            randomization=randomization,
            at=at,
            sign=SIGN,
            seeds=seeds,
            seed=seed,
        )
        return replace(profile, method=subject.method_name, model=subject.model_name, seed=subject.seed)

    judgement = judge_src_below(check, measure, at=at, threshold=threshold)
    deciding = judgement.deciding
    mean, low, high = deciding.interval
    defined = mean == mean
    return CheckResult(
        check=check,
        method=subject.method_name,
        model=subject.model_name,
        verdict=deciding.verdict,
        statistic=mean if defined else None,
        interval=(low, high) if defined else None,
        threshold=threshold,
        message=judgement.message,
        measured={
            "sign": SIGN,
            "stage": deciding.stage,
            "images": len(subject.batch),
            "draws": judgement.profile.src.shape[0],
            "seed": subject.seed,
            "undefined": deciding.undefined,
            "total": deciding.total,
        },
    )
