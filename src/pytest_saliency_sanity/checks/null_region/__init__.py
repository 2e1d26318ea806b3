"""Explains a network of which it is known that some pixels do not matter."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="null_region",
    question="is nothing attributed to pixels that provably do not matter?",
    source="after Rao et al. 2022 (DiFull)",
    ask="pytest_saliency_sanity.checks.null_region.ask:ask",
    judged="the same network behind a mask, masks drawn at random",
    thresholds={"outside": 0.42},
    quantity="mass outside",
    must_fail={"": ("sobel", "input", "uniform_noise")},
    card={"": "Input Sensitivity"},
)
