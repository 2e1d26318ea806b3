"""Explains scenes of which it is known where the evidence for the class lies."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="localization",
    question="among clutter, do the maps lie on the object of the class explained?",
    source="after Böhle et al. 2021 (grid pointing game)",
    ask="pytest_saliency_sanity.checks.localization.ask:ask",
    judged="how much lies on the object, of what lies on the object and on clutter",
    thresholds={"object": 0.29},
    quantity="share on the object",
    above=True,
    findings=("",),
    must_fail={"": ("sobel", "input", "uniform_noise", "borrowed_signs")},
    needs={"scenes": "no scenes for a network like {model}"},
    card={"": "Perceptual Correspondence: Localization Utility"},
)
