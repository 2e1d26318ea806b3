"""The same function, written down differently."""

from __future__ import annotations

from ...foundation.errors import unknown_name
from ...foundation.inference import images_for
from ...foundation.randomness import derived_seed
from ...interventions.symmetries import KINDS, Symmetry
from ..catalogue import CHECKS
from ..judging.message import Words
from ..judging.result import CheckResult
from ..judging.subject import SIGN, Subject, judged

CHECK = CHECKS["symmetry"]
DRAWS = 4
CHANGED = {
    "permutation": "the channels of hidden layers changed places",
    "rescaling": "hidden layers were scaled up and the next ones down",
    "input_shift": "a constant was added to the images that the first bias takes off again",
}


def check_symmetry(subject: Subject, *, kind: str, threshold: float | None = None) -> CheckResult:
    """Compare the maps of a model with those of an equivalent one, which gives the same logits with other weights.

    ``kind``: ``"permutation"``, ``"rescaling"`` or ``"input_shift"`` (``randomization.symmetries``). Passed where the
    mean SRC of absolute maps stays above ``threshold``, by default 0.98, with its whole 95 % interval. Undefined, with
    ``measured["not_applicable"]``, where the model has no layer that can be changed so.

    Raises ValueError for an unknown kind, SaliencyMethodError where the method gives no maps.
    """
    if kind not in KINDS:
        raise unknown_name("symmetry", kind, KINDS)
    images = images_for(subject.model, subject.batch.images)
    symmetry = Symmetry(subject.model, kind, seed=derived_seed(subject.seed, kind), images=images)
    if not symmetry.changed:
        return not_applicable(subject, kind)
    words = Words(
        passed=f"No evidence against it: {CHANGED[kind]}, and the maps stayed.",
        failed=f"The maps follow the notation: {CHANGED[kind]}, the function stayed the same, and the maps did not.",
        compared="of the maps of two equivalent models, image by image",
        note=f"; changed: {', '.join(symmetry.changed)}",
    )
    thresholds = {at: value for at, value in CHECK.judged_by(threshold).items() if at == kind}
    return judged(CHECK, kind, subject, symmetry, thresholds=thresholds, seeds=DRAWS, words=words)


def not_applicable(subject: Subject, kind: str) -> CheckResult:
    """Return the result for a model that this question can't be put to."""
    why = f"{subject.model_name} has no layers of which {CHANGED[kind]} without changing the function"
    return CheckResult(
        check=f"{CHECK.name}[{kind}]",
        method=subject.method_name,
        model=subject.model_name,
        verdict="undefined",
        statistic=None,
        interval=None,
        threshold=CHECK.thresholds[kind],
        message=f"{CHECK.name}[{kind}]: {subject.method_name} on {subject.model_name} NOT ASKED\n\n{why}.",
        measured={
            "sign": SIGN,
            "must_be": "above",
            "images": len(subject.batch),
            "draws": 0,
            "seed": subject.seed,
            "stage": kind,
            "undefined": 0,
            "total": 0,
            "judged": [],
            "not_applicable": why,
        },
    )
