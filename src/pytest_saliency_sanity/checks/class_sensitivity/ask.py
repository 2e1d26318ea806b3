"""Explains another class of the same image, on the same model (Sixt et al. 2020, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...interventions.other_class import OtherClass
from ..judging.message import Words
from ..judging.result import CheckResult
from ..judging.src_check import check_src
from ..judging.subject import Subject
from . import CHECK

# Each draw picks another class for every image, at random.
DRAWS = 4
WORDS = Words(
    passed="No evidence of blindness to the class: another class has a different map.",
    failed="Blind to the class: whichever class is asked for, the maps are alike.",
    compared="of the maps of two classes, image by image",
    note="; the other class is drawn at random, image by image",
)


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check."""
    return check_class_sensitivity(subject, threshold=threshold)


def check_class_sensitivity(subject: Subject, *, threshold: float | None = None) -> CheckResult:
    """Compare the maps of the class explained with those of another class, drawn at random for each image.

    Passed if the mean SRC stays below ``threshold``, by default the calibrated one, with its whole interval over images
    and draws. For another class the negative is another map: of two opposite logits it is the right one.

    Raises ValueError if the model has fewer than two classes, SaliencyMethodError if the method raises or does not
    return maps.
    """
    other = OtherClass(subject.model)
    return check_src(CHECK, "", subject, other, threshold=threshold, draws=DRAWS, words=WORDS)
