"""Randomisation of weights, layer by layer (the paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...foundation.errors import unknown_name
from ...interventions.cascade import CascadingRandomizer
from ..judging.result import CheckResult
from ..judging.src_check import check_src
from ..judging.subject import Subject
from . import CHECK

# The weights of a stage are a random draw, and draws differ more than images do (docs/statistics.md). A single layer's
# differ most: with eight draws, the gradient on AlexNet would be 2.3 half-widths from the threshold, not 3.
DRAWS = {"top_down": 8, "bottom_up": 8, "independent": 24}
# After the classifier, the check shows whether a method uses the upper layers at all: Guided Backprop does not.
# At the last stage nothing learned is left, so nothing of the map should be left.
JUDGED_AT: dict[str, tuple[str, ...]] = {
    "top_down": ("classifier", "last"),
    "bottom_up": ("last",),
    "independent": ("classifier",),
}


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check; ``variant`` is the order."""
    return check_cascading_randomization(subject, order=variant, threshold=threshold)


def check_cascading_randomization(
    subject: Subject, *, order: str = "top_down", threshold: float | None = None
) -> CheckResult:
    """Compare the maps of a model with those of the same model after its weights were drawn from a law.

    ``order``: ``"top_down"`` is judged after the classifier and at the last stage, ``"bottom_up"`` at the last,
    ``"independent"`` at every layer of the classifier by itself. Passed if the similarity (the mean of |SRC|)
    stays below ``threshold``, by default the calibrated one of the stage, with its whole interval at each of them, over
    images and draws of weights.

    Raises ValueError if the order is unknown, SaliencyMethodError if the method raises or does not return maps.
    """
    if order not in JUDGED_AT:
        raise unknown_name("order", order, JUDGED_AT)
    cascade = subject.once("cascade", lambda: CascadingRandomizer(subject.model, law=subject.reading.law))
    randomizer = cascade.in_order(order)
    return check_src(CHECK, order, subject, randomizer, threshold=threshold, at=JUDGED_AT[order], draws=DRAWS[order])
