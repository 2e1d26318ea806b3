"""Explains a network with other weights that computes the same function."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="symmetry",
    question="do the maps stay when the same function is written down differently?",
    source="Sundararajan et al. 2017, Dinh et al. 2017, Kindermans et al. 2017",
    ask="pytest_saliency_sanity.checks.symmetry.ask:ask",
    unfit="pytest_saliency_sanity.checks.symmetry.ask:unfit",
    judged="an equivalent network",
    thresholds={"permutation": 0.98, "rescaling": 0.98, "input_shift": 0.98},
    above=True,
    variants=("permutation", "rescaling", "input_shift"),
    findings=("input_shift",),
    # Kindermans et al. 2017, section 3. Permutation and rescaling have no agreed control.
    must_fail={"input_shift": ("captum:InputXGradient",)},
    decided=True,  # the honest answer is 1 up to rounding
    card={
        "permutation": "Model Sensitivity: Implementation Invariance",
        "rescaling": "Model Sensitivity: Implementation Invariance",
        "input_shift": "Input Sensitivity: Input Invariance",
    },
)
