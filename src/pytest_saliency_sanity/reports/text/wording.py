"""The words in which the terminal and the step summary tell what became of a question. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable

from ...checks.judging.result import CheckResult
from ...checks.registry import MEAN_SRC, SIMILARITY
from ..comparing.answers import Answer
from ..record import Record
from ..status import status_of

# What a pass says, in two sentences.
FAITHFUL = "'passed' says: no evidence of insensitivity.", "It does not say that the maps are faithful."


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 test``, ``2 tests``."""
    return f"{count} {noun}{'s' * (count != 1)}"


def verdict_of(record: Record, tier: str) -> str:
    """Return in a word what became of a question."""
    status = status_of(record, tier)
    if status == "error":
        return "failed" if record.result else "failed without a verdict"
    return status if status in ("failed", "skipped") or not record.result else record.result.verdict


def notes_on(record: Record, tier: str) -> str:
    """Return what else must be said about a verdict; empty if it says all."""
    result = record.result
    if result is None or result.not_asked:
        return ""
    return "; ".join(filter(None, [_why(record, result, tier), undefined_in(result)]))


def _why(record: Record, result: CheckResult, tier: str) -> str:
    """Return why a test ended in another way than its verdict says; empty if it did not."""
    status = status_of(record, tier)
    if status == "error":
        why = f"it was expected to fail: {result.expected}" if result.expected else record.reason or "the test failed"
        return f"{result.verdict}, but {why}"
    if status == "expected":
        return f"expected: {result.expected}"
    if status == "finding":
        return "a finding, not decisive"
    if result.verdict == "passed" and result.findings:
        return "but a finding" if status == "passed" else "passed, but a finding decides"
    return record.reason if record.outcome == "failed" else ""


def measured_in(result: CheckResult) -> str:
    """Return what a verdict rests on: stage, quantity, interval and threshold or, if no stage was judged, figures."""
    judged = result.deciding
    if judged is None:
        return "; ".join(f"{figure.name}: {figure.value}" for figure in result.measured.figures)
    answer = Answer.of(result)
    number = f"{result.quantity} {answer.number}" if answer.number else f"no {result.quantity} is defined"
    return f"stage {judged.stage}: {number}, must stay {answer.must}"


def undefined_in(result: CheckResult) -> str:
    """Return how many values are undefined at the stage that decides; empty if none are."""
    judged = result.deciding
    if judged is None or not judged.undefined:
        return ""
    kind = "SRCs" if result.quantity in (SIMILARITY, MEAN_SRC) else "maps"
    return f"{judged.undefined} of {judged.total} {kind} undefined"


def images_in(results: Iterable[CheckResult]) -> str:
    """Return how many images were looked at, ``40`` or ``10 to 320``; empty if none were."""
    numbers = {result.measured.images for result in results} - {0}
    return " to ".join(map(str, sorted({min(numbers), max(numbers)}))) if numbers else ""


def maps_in(results: Iterable[CheckResult]) -> str:
    """Return whether maps were read with their signs; masses, which have none, are named if there is nothing else."""
    found = {result.measured.maps: None for result in results if result.measured.maps}
    with_or_without = [f"maps {each}" for each in found if each != "magnitudes"]
    return " and ".join(with_or_without or found)
