"""Another class of the same image, on the same model."""

from __future__ import annotations

from ...interventions.other_class import OtherClass
from ..catalogue import CHECKS
from ..judging.message import Words
from ..judging.result import CheckResult
from ..judging.subject import Subject, judged

CHECK = CHECKS["class_sensitivity"]
# Each draw asks for another class of every image, at random.
DRAWS = 4
WORDS = Words(
    passed="No evidence of blindness to the class: another class has another map.",
    failed="Blind to the class: whichever class is asked for, the maps are alike.",
    compared="of the maps of two classes, image by image",
    note="; the other class is drawn at random, image by image",
)


def check_class_sensitivity(subject: Subject, *, threshold: float | None = None) -> CheckResult:
    """Compare the maps of the class explained with those of another class, drawn at random for each image.

    Passed where |mean SRC| of absolute maps stays below ``threshold``, by default the calibrated one, with its whole
    95 % interval over images and draws.

    Raises ValueError where the model has fewer than two classes, SaliencyMethodError where the method gives no maps.
    """
    return judged(
        CHECK,
        "",
        subject,
        OtherClass(subject.model),
        thresholds=CHECK.judged_by(threshold),
        seeds=DRAWS,
        words=WORDS,
    )
