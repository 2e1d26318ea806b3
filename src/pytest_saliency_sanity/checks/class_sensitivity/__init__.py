"""Explains another class of the same image, on the same model."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="class_sensitivity",
    question="does another class give another map?",
    source="Sixt et al. 2020, section 5",
    ask="pytest_saliency_sanity.checks.class_sensitivity.ask:ask",
    judged="another class of each image, drawn at random",
    must_fail={"": ("sobel", "input", "guided_backprop", "zennit:ExcitationBackprop")},
    thresholds={"other_class": 0.56},
    unsigned={"other_class": 0.96},
    card={"": "Label Sensitivity"},
)
