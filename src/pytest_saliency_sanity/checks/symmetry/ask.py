"""Explains a network with other weights that computes the same function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...foundation.errors import unknown_name
from ...foundation.ids import with_variant
from ...foundation.randomness import derived_seed
from ...interventions.symmetries import KINDS, Symmetry
from ..judging.message import Words
from ..judging.result import CheckResult, not_asked
from ..judging.src_check import check_src
from ..judging.subject import Subject
from . import CHECK

DRAWS = 4
CHANGED = {
    "permutation": "the channels of hidden layers were reordered",
    "rescaling": "hidden layers were scaled up and the next ones down",
    "input_shift": "a constant was added to the images and subtracted in the first bias",
}


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check; ``variant`` is the kind of symmetry."""
    return check_symmetry(subject, kind=variant, threshold=threshold)


def check_symmetry(subject: Subject, *, kind: str, threshold: float | None = None) -> CheckResult:
    """Compare the maps of a model with those of an equivalent one, which gives the same logits with other weights.

    ``kind``: ``"permutation"``, ``"rescaling"`` or ``"input_shift"`` (``interventions.symmetries``). Passed if the mean
    SRC stays above ``threshold``, by default 0.98, with its whole interval. Undefined, with the
    reason in ``not_asked``, if the model has no layer that can be changed in this way.

    Raises ValueError if the kind is unknown, SaliencyMethodError if the method raises or does not return maps.
    """
    if kind not in KINDS:
        raise unknown_name("symmetry", kind, KINDS)
    symmetry = symmetry_of(subject, kind)
    if why := unfit(subject, kind):
        return not_asked(with_variant(CHECK.name, kind), subject.method_name, subject.model_name, subject.seed, why)
    words = Words(
        passed=f"No evidence against it: {CHANGED[kind]}, and the maps stayed the same.",
        failed=f"The maps depend on how the function is written: {CHANGED[kind]}, and the maps changed.",
        compared="of the maps of two equivalent models, image by image",
        note=f"; changed: {', '.join(symmetry.changed)}",
    )
    return check_src(CHECK, kind, subject, symmetry, threshold=threshold, at=(kind,), draws=DRAWS, words=words)


def unfit(subject: Subject, variant: str) -> str:
    """Return why the network has no symmetry of this kind; empty if it has one."""
    if symmetry_of(subject, variant).changed:
        return ""
    return f"{subject.model_name} has no layers that can be changed without changing the function ({CHANGED[variant]})"


def symmetry_of(subject: Subject, kind: str) -> Symmetry:
    """Return the symmetry of this kind of the subject's network, found once."""
    return subject.once(
        f"symmetry {kind}",
        lambda: Symmetry(subject.model, kind, seed=derived_seed(subject.seed, kind), images=subject.sample),
    )
