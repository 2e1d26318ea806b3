"""What a record comes to in one word, and which of several is worst."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from support.cascades import NAN, cascade
from support.records import contract, record, unanswered

from pytest_saliency_sanity.checks.judging.result import Finding, StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.status import (
    MEANINGS,
    NAMES,
    NOT_GREEN,
    STATUSES,
    Status,
    badness,
    status_of,
    worst_first,
)


def answered(outcome: str = "passed", **parts: Any) -> Record:
    """Return the record of a test with a result."""
    found = record(verdict=parts.pop("verdict", "passed"))
    assert found.result is not None
    return replace(found, outcome=outcome, result=replace(found.result, **parts))


FINDING = (Finding("the picture stays", "0.99"),)


@pytest.mark.parametrize(
    ("found", "gate", "full"),
    [
        (answered(), "passed", "passed"),
        (answered("failed", verdict="failed"), "failed", "failed"),
        (answered("failed", verdict="inconclusive"), "inconclusive", "inconclusive"),
        (answered("failed", verdict="undefined"), "undefined", "undefined"),
        # A variant that is a finding, as pytest reports it in each tier.
        (answered("xfailed", verdict="failed", finding=True), "finding", "expected"),
        (answered("failed", verdict="failed", finding=True), "error", "failed"),
        # Passed, but something else was found, which decides in the tier full.
        (answered(findings=FINDING), "passed", "failed"),
        (answered("failed", findings=FINDING), "error", "failed"),
        # Expected not to pass, and so it was.
        (answered("xfailed", verdict="failed", expected="noise"), "expected", "expected"),
        (answered("xfailed", verdict="inconclusive", expected="noise"), "expected", "expected"),
        # A mark of the project on a test that is not in the list of expected failures.
        (answered("xfailed", verdict="failed"), "expected", "expected"),
        (unanswered(outcome="xfailed"), "expected", "expected"),
        # Expected not to pass, but passed: strict, so red.
        (answered("failed", expected="noise"), "error", "error"),
        # Passed, but what came after it failed.
        (answered("failed"), "error", "error"),
        # Failed though it was expected to fail, since the mark does not cover how: it stays red.
        (answered("failed", verdict="failed", expected="noise"), "failed", "failed"),
        (unanswered(), "error", "error"),
        (unanswered(outcome="passed"), "error", "error"),
        (unanswered(outcome="skipped"), "skipped", "skipped"),
        (answered("skipped", verdict="undefined", not_asked="no scenes"), "skipped", "skipped"),
    ],
)
def test_the_status_of_a_record_in_each_tier(found: Record, gate: Status, full: Status) -> None:
    assert (status_of(found, "gate"), status_of(found, "full")) == (gate, full)


@pytest.mark.parametrize("tier", ["gate", "full"])
@pytest.mark.parametrize("outcome", ["passed", "failed", "xfailed", "skipped"])
@pytest.mark.parametrize("verdict", ["passed", "failed", "inconclusive", "undefined"])
@pytest.mark.parametrize("finding", [True, False])
@pytest.mark.parametrize("findings", [(), FINDING])
def test_a_status_is_red_if_the_test_is(tier: str, outcome: str, verdict: Any, finding: bool, findings: Any) -> None:
    found = answered(outcome, verdict=verdict, finding=finding, findings=findings)
    assert found.result is not None
    status = status_of(found, tier)
    assert status in STATUSES
    if outcome == "failed":
        assert status in NOT_GREEN
    if outcome in ("skipped", "xfailed") or (found.result.passed_in(tier) and outcome == "passed"):
        assert status not in NOT_GREEN


def test_every_status_has_its_words() -> None:
    assert set(NAMES) == set(MEANINGS) == set(STATUSES)
    assert len(set(MEANINGS.values())) == len(set(NAMES.values())) == len(STATUSES)


def test_the_worst_come_first_in_whatever_order_they_are_given() -> None:
    ordered = [
        unanswered(check="error"),
        record(check="far", verdict="failed", mean=0.9),
        record(check="near", verdict="failed", mean=0.7),
        record(check="undefined", verdict="undefined", mean=NAN),
        record(check="inconclusive", verdict="inconclusive", mean=0.5),
        answered("xfailed", verdict="failed", expected="noise", check="expected"),
        answered("xfailed", verdict="failed", finding=True, check="finding"),
        unanswered(check="skipped", outcome="skipped"),
        record(check="close", mean=0.35),
        record(check="clear", mean=0.1),
    ]
    for several in ([*reversed(ordered)], ordered[::2] + ordered[1::2], *list(permutations(ordered[:4]))):
        assert worst_first(several, "gate") == [each for each in ordered if each in several]


def with_stage(mean: float, half_width: float, verdict: Any = "failed", *, above: bool = False) -> Record:
    found = answered("failed", verdict=verdict)
    assert found.result is not None
    stage = StageVerdict("a", 0.5, verdict, Interval(mean, mean - half_width, mean + half_width), 0, 10, above)
    return replace(found, result=replace(found.result, stages=(stage,)))


def test_of_equals_the_one_furthest_on_the_wrong_side_is_worst() -> None:
    # Intervals without width are certain; those with width are ordered by how many half-widths they are off.
    certain_far, certain_near = with_stage(1.0, 0.0), with_stage(0.6, 0.0)
    sure, less_sure, right = with_stage(0.7, 0.05), with_stage(0.7, 0.1), with_stage(0.4, 0.05)
    ordered = [certain_far, certain_near, sure, less_sure, right]
    assert worst_first(reversed(ordered), "gate") == ordered


def test_what_must_stay_above_is_worst_if_it_is_lowest() -> None:
    low, high = with_stage(0.1, 0.05, above=True), with_stage(0.4, 0.05, above=True)
    assert worst_first([high, low], "gate") == [low, high]


@pytest.mark.parametrize("found", [contract(), unanswered(), with_stage(NAN, NAN, "undefined"), cascade()])
def test_every_record_can_be_ordered(found: Record) -> None:
    place, margin = badness(found, "gate")
    assert place == STATUSES.index(status_of(found, "gate"))
    assert margin == margin
