"""The same model, image and class once more, with other random numbers for a method that draws some."""

from __future__ import annotations

from dataclasses import replace
from inspect import signature

import torch
from torch import nn

from ...interventions.repetition import Repetition
from ...methods.protocol import SaliencyMethod
from ..catalogue import CHECKS
from ..judging.message import Words
from ..judging.result import CheckResult
from ..judging.subject import Subject, judged

CHECK = CHECKS["repeatability"]
DRAWS = 3
WORDS = Words(
    passed="Repeatable: asked again, the same model gives the same maps, up to the method's own noise.",
    failed="Not repeatable: asked again, the same model gives other maps. Noise is no explanation.",
    compared="of the maps of two runs, image by image",
    note=", each with other random numbers than the first run",
)


def check_repeatability(subject: Subject, *, threshold: float | None = None) -> CheckResult:
    """Compare a method's maps with those of the same model under another random seed.

    The global random streams are seeded differently, and so is the keyword ``seed`` of a method that has one. Passed
    where the mean SRC of absolute maps stays above ``threshold``, by default 0.5, with its whole 95 % interval: then
    more of the ranks' variance is the method's than its noise's. This SRC is a noisy method's ceiling elsewhere.

    Raises SaliencyMethodError where the method gives no maps.
    """
    return judged(
        CHECK,
        "",
        replace(subject, method=freshly_seeded(subject.method)),
        Repetition(subject.model),
        thresholds=CHECK.judged_by(threshold),
        seeds=DRAWS,
        words=WORDS,
    )


def freshly_seeded(method: SaliencyMethod) -> SaliencyMethod:
    """Return the method with its keyword ``seed``, if it has one, taken from the global stream of torch."""
    try:
        takes_seed = "seed" in signature(method).parameters
    except (TypeError, ValueError):  # some callables have no signature
        takes_seed = False
    if not takes_seed:
        return method

    def seeded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return method(model, images, targets, seed=torch.initial_seed() % 2**31)  # type: ignore[call-arg]

    return seeded
