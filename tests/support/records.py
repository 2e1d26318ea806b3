"""Records and runs as pytest leaves them, made without measuring anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured, StageVerdict, Verdict
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run

VERSIONS = {"python": "3.12.0", "torch": "2.9.0"}
CHECKS = ("label_randomization", "symmetry[permutation]", "symmetry[rescaling]", "contract")


def record(
    method: str = "gradcam",
    model: str = "alexnet",
    check: str = "label_randomization",
    verdict: Verdict = "passed",
    mean: float = 0.3,
    half_width: float = 0.1,
    **parts: Any,
) -> Record:
    """Return the record of a question that was answered with a number, which must be below 0.5."""
    interval = Interval(mean, mean - half_width, mean + half_width)
    stage = StageVerdict("stage", 0.5, verdict, interval, 0, 10)
    result = CheckResult(check, method, model, verdict, "a message", Measured(0, "signed", True, 10), (stage,))
    return replace(Record.of(result), **{"versions": VERSIONS, **parts})


def unanswered(
    method: str = "gradcam",
    model: str = "alexnet",
    check: str = "label_randomization",
    outcome: str = "failed",
    reason: str = "ValueError: no",
) -> Record:
    """Return the record of a question that was skipped or whose test broke."""
    return Record(f"{method}/{model}/{check}", method, model, *split_variant(check), outcome, reason)


def contract(method: str = "gradcam", verdict: Verdict = "passed") -> Record:
    """Return the record of a question put to the method alone, whose answer has no number."""
    result = CheckResult("contract", method, "small random networks", verdict, "a message", Measured(0))
    return replace(Record.of(result), versions=VERSIONS)


def with_evidence(of: Record, value: float) -> Record:
    """Return a record with values image by image, all of them ``value``."""
    assert of.result is not None
    evidence = Evidence({"signed": {"stage": np.full((1, 10), value)}}, {"trained": np.full((2, 3, 3), value, "f4")})
    return replace(of, result=replace(of.result, evidence=evidence))


def run(*records: Record, plan: Plan | None = None, **parts: Any) -> Run:
    """Return the run of some records; it planned what they ask, unless a plan is given."""
    planned = plan or Plan.of(
        dict.fromkeys(each.method for each in records), dict.fromkeys(each.model for each in records if each.model)
    )
    settings = {"preset": "embedded", "tier": "gate", "device": "cpu", "images": 10, "seed": 0}
    return Run(planned, **{**settings, "started": "2026-01-02T03:04:05Z", **parts}, records=records)
