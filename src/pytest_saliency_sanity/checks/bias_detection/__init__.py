"""Detection of a bias that a model learned from its data (the paper, section 4.3)."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="bias_detection",
    question="do the maps show that a model learned a bias, and that a balanced one did not?",
    source="Shin and Nemeth, section 4.3",
    ask="pytest_saliency_sanity.checks.bias_detection.ask:ask",
    judged="how much lies on the nuisance, biased less balanced",
    thresholds={"nuisance": 0.04},
    quantity="drop of mass",
    above=True,
    must_fail={"": ("sobel", "input", "uniform_noise", "borrowed_signs")},
    needs={"bias_scenario": "no biased and balanced networks like {model}"},
    card={"": "Label Sensitivity: Model Contrast Score"},
)
