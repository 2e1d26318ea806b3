"""Explains the same model, image and class again, with other random numbers if the method draws any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ...foundation.signatures import signature_of
from ...interventions.repetition import Repetition
from ...methods.protocol import SaliencyMethod
from ..judging.message import Words
from ..judging.result import CheckResult
from ..judging.src_check import check_src
from ..judging.subject import Subject
from . import CHECK

DRAWS = 3
WORDS = Words(
    passed="Repeatable: asked again, the same model gives the same maps, up to the method's own noise.",
    failed="Not repeatable: asked again, the same model gives other maps. A map that is mostly noise explains nothing.",
    compared="of the maps of two runs, image by image",
    note=", each with other random numbers than the first run",
)


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check."""
    return check_repeatability(subject, threshold=threshold)


def check_repeatability(subject: Subject, *, threshold: float | None = None) -> CheckResult:
    """Compare a method's maps with those of the same model under another random seed.

    The global random streams are seeded differently, and so is the keyword ``seed`` of a method that has one. Passed if
    the mean SRC stays above ``threshold``, by default the calibrated one, with its whole interval. In other checks, a
    noisy method can't exceed this SRC.

    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    again = freshly_seeded(subject.method)
    same = Repetition(subject.model)
    return check_src(CHECK, "", subject, same, method=again, threshold=threshold, draws=DRAWS, words=WORDS)


def freshly_seeded(method: SaliencyMethod) -> SaliencyMethod:
    """Return the method with its keyword ``seed``, if it has one, taken from the global stream of torch."""
    signature = signature_of(method)
    if signature is None or "seed" not in signature.parameters:
        return method

    def call_with_seed(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return method(model, images, targets, seed=torch.initial_seed() % 2**31)  # type: ignore[call-arg]

    return call_with_seed
