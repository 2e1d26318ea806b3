"""The contract of a saliency method: what every caller can rely on, tried on small random networks."""

from __future__ import annotations

from ..registry import Check

CHECK = Check(
    name="contract",
    question="right shape, finite, the same alone as in a batch and twice, all left as found?",
    source="this project, property-based",
    ask="pytest_saliency_sanity.checks.contract.ask:ask",
    judged="eighty small random networks",
    by_model=False,
    card={"": "Determinism"},
)
