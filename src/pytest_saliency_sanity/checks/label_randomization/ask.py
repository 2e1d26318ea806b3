"""Randomisation of the labels that the model is trained on (the paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ...interventions.labels import LabelRandomizer
from ..judging.result import CheckResult
from ..judging.src_check import check_src
from ..judging.subject import Subject
from . import CHECK


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check; ``needs["memorized_model"]`` is the network that memorised random labels."""
    return check_label_randomization(subject, needs["memorized_model"], threshold=threshold)


def check_label_randomization(
    subject: Subject, memorized_model: nn.Module, *, threshold: float | None = None
) -> CheckResult:
    """Compare the maps of a model trained on true labels with those of ``memorized_model``, trained on random ones.

    ``memorized_model``: the same network, at >= 95 % accuracy on training labels that were drawn at random. Passed if
    the similarity (the mean of |SRC|) stays below ``threshold``, by default the calibrated one, with its whole
    interval over images.

    Raises ValueError if ``memorized_model`` has another architecture, SaliencyMethodError if the method raises or does
    not return maps.
    """
    randomizer = LabelRandomizer(subject.model, memorized_model)
    return check_src(CHECK, "", subject, randomizer, threshold=threshold, draws=1)
