"""Explains a verdict on the mass inside masks in words."""

from __future__ import annotations

import torch

from ...measuring.mass import Masses
from .result import Verdict


def explain_mass(
    title: str, masses: Masses, masks: torch.Tensor, verdict: Verdict, threshold: float, confidence: float, seed: int
) -> str:
    """Return the whole message: what was asked, what was measured, and what it means."""
    mean, low, high = masses.interval(confidence)
    meaning = {
        "passed": "The maps lie inside the masks.",
        "failed": "Too little of the maps lies inside the masks.",
        "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
        "undefined": "Undefined: too few maps are finite and not 0 everywhere to say anything.",
    }[verdict]
    must = f"it must stay above {threshold:g} with its whole interval"
    found = f"Mean mass inside {mean:.3f}, {confidence * 100:g}% interval {low:.3f} to {high:.3f}; {must}."
    left_out = [f"{masses.undefined} of {len(masses)} maps are 0 everywhere or not finite, and left out."]
    return "\n".join(
        [
            f"{title} {verdict.upper()}",
            "",
            meaning,
            found if mean == mean else f"No map is finite and not 0 everywhere, so there is no mass inside; {must}.",
            *left_out * (masses.undefined > 0),
            f"The masks cover {masks.double().mean():.3f} of the images, which is the mass of a constant map.",
            "",
            "Mass: the share of a map's absolute values inside its mask.",
            f"Measured on {len(masses)} images, seed {seed}.",
        ]
    )
