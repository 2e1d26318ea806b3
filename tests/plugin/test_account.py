"""What a test tells the process that reports: the same after a journey as text, and nothing that can't travel."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.cascades import CHECK, NAN, cascade

from pytest_saliency_sanity.checks.judging.result import CheckResult, Figure, Measured, StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.plugin.account import (
    ATTRIBUTE,
    account_of,
    attach,
    evidence_in,
    forget_result,
    result_in,
    tell,
    tell_result,
)
from pytest_saliency_sanity.reports.arrays import keyed


def result(**parts: Any) -> CheckResult:
    found = cascade().result
    assert found is not None
    return replace(found, **parts)


class Item:
    """As much of a test as an account needs."""

    def __init__(self) -> None:
        self.stash = pytest.Stash()


def told(item: Any) -> dict[str, Any]:
    """Return the account of a test after its journey as text."""
    report: Any = SimpleNamespace()
    attach(item, report)
    if hasattr(report, ATTRIBUTE):
        assert isinstance(getattr(report, ATTRIBUTE), str)
    return account_of(report)


@pytest.fixture
def item() -> Any:
    return Item()


def test_a_result_and_its_evidence_arrive_as_they_were(item: Any) -> None:
    before = result()
    tell_result(item, before, evidence=True)
    account = told(item)
    assert result_in(account) == before
    after = evidence_in(account)
    assert before.evidence is not None
    assert after is not None
    for key, array in keyed(before.evidence).items():
        np.testing.assert_array_equal(keyed(after)[key], array)


def test_evidence_travels_only_if_it_is_asked_for(item: Any) -> None:
    tell_result(item, result(), evidence=False)
    assert evidence_in(told(item)) is None
    assert len(json.dumps(told(item))) < 10_000


def test_a_test_that_told_nothing_has_an_empty_account(item: Any) -> None:
    assert told(item) == {}
    assert (result_in({}), evidence_in({})) == (None, None)


def test_facts_are_added_and_the_last_counts(item: Any) -> None:
    tell(item, device="cpu", reason="")
    tell(item, reason="because")
    assert told(item) == {"device": "cpu", "reason": "because"}


def test_a_result_is_forgotten_and_nothing_else(item: Any) -> None:
    tell(item, device="cpu")
    tell_result(item, result(), evidence=True)
    forget_result(item)
    account = told(item)
    assert (result_in(account), evidence_in(account)) == (None, None)
    assert account["device"] == "cpu"


def test_what_is_undefined_and_numbers_of_numpy_travel(item: Any) -> None:
    number, count = np.float32(0.25), np.int64(3)
    stage = StageVerdict("a", 0.5, "passed", Interval(number, NAN, np.inf), count, count)  # type: ignore[arg-type]
    figures = (Figure("a", number), Figure("b", np.float32(NAN)), Figure("c", count), Figure("d", True))  # type: ignore[arg-type]
    tell_result(item, result(stages=(stage,), measured=Measured(0, chance=NAN, figures=figures)), evidence=True)
    found = result_in(told(item))
    assert found is not None
    assert (found.stages[0].interval.mean, found.stages[0].undefined, found.measured.chance) == (0.25, 3, None)
    assert [str(value) for _, value in found.measured.figures] == ["0.25", "nan", "3.0", "True"]


@pytest.mark.parametrize(
    ("parts", "error", "why"),
    [
        ({"message": object()}, TypeError, "neither a number nor a text"),
        ({"stages": (StageVerdict("a", NAN, "passed", Interval(0, 0, 0), 0, 1),)}, ValueError, "Out of range"),
    ],
)
def test_what_can_not_be_kept_fails_the_test_that_says_it(
    item: Any, parts: dict[str, Any], error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=rf"the result of {CHECK.replace('[', '.')}.* can't be kept as JSON: .*{why}"):
        tell_result(item, result(**parts), evidence=False)
    assert told(item) == {}
