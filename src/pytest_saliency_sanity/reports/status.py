"""What a record comes to in one word, and which of several is worst: every report orders its questions by this."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from .record import Record

Status = Literal["error", "failed", "undefined", "inconclusive", "finding", "expected", "skipped", "passed"]
# Worst first. A finding did not pass, but does not decide. What is expected not to pass comes after what is not.
STATUSES: tuple[Status, ...] = (
    "error",
    "failed",
    "undefined",
    "inconclusive",
    "expected",
    "finding",
    "skipped",
    "passed",
)
# After a number.
NAMES: dict[Status, str] = {
    "error": "without a verdict, or failed in spite of it",
    "failed": "failed",
    "undefined": "undefined",
    "inconclusive": "inconclusive",
    "expected": "failed as expected",
    "finding": "findings that do not decide",
    "skipped": "not asked",
    "passed": "passed",
}
MEANINGS: dict[Status, str] = {
    "error": "no verdict, or the test failed in spite of it",
    "failed": "failed",
    "undefined": "undefined: too little can be compared",
    "inconclusive": "inconclusive: the interval contains the threshold",
    "expected": "did not pass, as expected",
    "finding": "a finding: it does not decide",
    "skipped": "not asked",
    "passed": "passed",
}
NOT_GREEN: frozenset[Status] = frozenset(STATUSES[:4])


def status_of(record: Record, tier: str) -> Status:
    """Return the status of a record in a tier."""
    result = record.result
    if record.outcome == "skipped" or (result and result.not_asked):
        return "skipped"
    if record.outcome == "xfailed" and not (result and result.passed_in(tier)):
        return "expected"
    if result is None:
        return "error"
    if result.passed_in(tier):
        if record.outcome == "failed":
            return "error"  # it was expected not to pass, or what came after it failed
        return "passed" if result.verdict == "passed" else "finding"
    return "failed" if result.verdict == "passed" else result.verdict  # passed, with a finding that decides


def badness(record: Record, tier: str) -> tuple[int, float]:
    """Return the sort key of a record: the worst first, of equals the one furthest on the wrong side."""
    deciding = record.result.deciding if record.result else None
    margin = deciding.margin if deciding else None
    if margin is None:  # no interval, or one without width: by the distance itself
        excess = deciding.excess if deciding and deciding.interval.defined else 0.0
        margin = -1e6 * excess
    return STATUSES.index(status_of(record, tier)), margin


def worst_first(records: Iterable[Record], tier: str) -> list[Record]:
    """Return records, the worst first."""
    return sorted(records, key=lambda record: badness(record, tier))
