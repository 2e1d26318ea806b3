"""Explains the same model, image and class a second time."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="repeatability",
    question="does the same model give the same map again, up to the method's own noise?",
    source="this project",
    ask="pytest_saliency_sanity.checks.repeatability.ask:ask",
    judged="the same model, other random numbers",
    thresholds={"again": 0.19},
    unsigned={"again": 0.45},
    above=True,
    must_fail={"": ("uniform_noise",)},
    card={"": "Determinism"},
)
