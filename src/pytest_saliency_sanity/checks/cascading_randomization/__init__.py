"""Randomisation of weights, layer by layer (the paper, section 4.2)."""

from __future__ import annotations

from ..registry import SIMILARITY, Check

CHECK = Check(
    name="cascading_randomization",
    question="do the maps change as the weights are randomised, layer by layer?",
    source="Shin and Nemeth, section 4.2; Adebayo et al. 2018, section 3.1",
    ask="pytest_saliency_sanity.checks.cascading_randomization.ask:ask",
    judged="top_down: after the classifier and at the last stage; bottom_up: at the last stage; "
    "independent: at each layer of the classifier",
    thresholds={"classifier": 0.89, "last": 0.68},
    unsigned={"classifier": 0.96, "last": 0.84},
    quantity=SIMILARITY,
    variants=("top_down", "bottom_up", "independent"),
    # Adebayo et al. 2018 (section 4 and their third version): Guided Backprop is invariant to the higher layers. It
    # changes if the lower ones are randomised, so bottom_up does not test it. Excitation backprop is LRP's z+ rule,
    # which converges to the same map whatever the higher layers are (Sixt et al. 2020).
    must_fail={
        "top_down": ("sobel", "input", "guided_backprop", "zennit:ExcitationBackprop"),
        "bottom_up": ("sobel", "input"),
        "independent": ("sobel", "input", "guided_backprop", "zennit:ExcitationBackprop"),
    },
    card={
        "top_down": "Model Sensitivity: Cascading Model Parameter Randomization",
        "bottom_up": "Model Sensitivity",
        "independent": "Model Sensitivity: Independent Model Parameter Randomization",
    },
)
