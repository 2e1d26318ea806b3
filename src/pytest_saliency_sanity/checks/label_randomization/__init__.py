"""Randomisation of the labels that the model is trained on (the paper, section 4.1)."""

from __future__ import annotations

from ..registry import SIMILARITY, Check

CHECK = Check(
    name="label_randomization",
    question="do the maps change when the labels that the model learned were random?",
    source="Shin and Nemeth, section 4.1; Adebayo et al. 2018, section 3.2",
    ask="pytest_saliency_sanity.checks.label_randomization.ask:ask",
    judged="the same network, trained on random labels",
    thresholds={"last": 0.68},
    unsigned={"last": 0.89},
    quantity=SIMILARITY,
    must_fail={"": ("sobel", "input")},
    needs={"memorized_model": "no network like {model} that memorised random labels"},
    card={"": "Label Sensitivity: Data Randomization"},
)
