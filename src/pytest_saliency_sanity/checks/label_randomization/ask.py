"""Randomisation of the labels that the model learned (the paper, section 4.1)."""

from __future__ import annotations

from torch import nn

from ...interventions.labels import LabelRandomizer
from ..catalogue import CHECKS
from ..judging.result import CheckResult
from ..judging.subject import Subject, judged

CHECK = CHECKS["label_randomization"]


def check_label_randomization(
    subject: Subject, memorized_model: nn.Module, *, threshold: float | None = None
) -> CheckResult:
    """Compare the maps of a model trained on true labels with those of ``memorized_model``, trained on random ones.

    ``memorized_model``: the same network, at >= 95 % accuracy on training labels that were drawn at random. Passed
    where |mean SRC| of absolute maps stays below ``threshold``, by default the calibrated one, with its whole 95 %
    interval over images.

    Raises ValueError where ``memorized_model`` is another network, SaliencyMethodError where the method gives no maps.
    """
    randomizer = LabelRandomizer(subject.model, memorized_model)
    return judged(CHECK, "", subject, randomizer, thresholds=CHECK.judged_by(threshold), seeds=1)
