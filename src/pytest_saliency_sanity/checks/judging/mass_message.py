"""What is said of the mass inside masks."""

from __future__ import annotations

import torch

from ...measuring.mass import Masses
from .result import Verdict


def explain_mass(
    title: str, masses: Masses, masks: torch.Tensor, verdict: Verdict, threshold: float, confidence: float, seed: int
) -> str:
    """Return the whole message on masses inside masks: what was asked and found."""
    mean, low, high = masses.interval(confidence)
    meaning = {
        "passed": "The maps lie inside the masks.",
        "failed": "The maps lie too little inside the masks.",
        "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
        "undefined": "Undefined: too few maps are finite and not 0 throughout to say anything.",
    }[verdict]
    must = f"it must stay above {threshold:g} with its whole interval"
    found = f"Mean mass inside {mean:.3f}, {confidence * 100:g}% interval {low:.3f} to {high:.3f}; {must}."
    left_out = [f"{masses.undefined} of {len(masses)} maps are 0 throughout or not finite, and left out."]
    return "\n".join(
        [
            f"{title} {verdict.upper()}",
            "",
            meaning,
            found if mean == mean else f"There is no mass inside; {must}.",
            *left_out * (masses.undefined > 0),
            f"The masks cover {masks.double().mean():.3f} of the images, the mass of a map that is alike everywhere.",
            "",
            "Mass: the share of a map's absolute values inside its mask.",
            f"Measured on {len(masses)} images, seed {seed}.",
        ]
    )
