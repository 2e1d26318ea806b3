"""Results: what they say of themselves, and how they travel."""

from __future__ import annotations

import json

import pytest

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.result import Figure, Measured, StageVerdict, Verdict, not_asked
from pytest_saliency_sanity.measuring.interval import Interval

NAN = float("nan")


def stage(name: str, verdict: Verdict, mean: float, *, above: bool = False) -> StageVerdict:
    return StageVerdict(name, 0.5, verdict, Interval(mean, mean - 0.1, mean + 0.1), 1, 40, above)


def result(*stages: StageVerdict) -> CheckResult:
    measured = Measured(3, "absolute", images=40, draws=8, figures=(Figure("networks tried", 80), Figure("why", "so")))
    return CheckResult("symmetry[rescaling]", "it", "net", "passed", "a message", measured, stages)


RESULTS = [
    result(),
    result(stage("one", "passed", 0.1), stage("two", "failed", -0.7)),
    result(StageVerdict("one", 0.5, "undefined", Interval(NAN, NAN, NAN), 40, 40)),
    not_asked("contract", "it", "net", 2, "there is nothing to ask"),
]


@pytest.mark.parametrize("found", RESULTS)
def test_a_result_travels_as_json(found: CheckResult) -> None:
    text = json.dumps(found.as_record(), allow_nan=False)
    again = CheckResult.from_record(json.loads(text))
    assert json.dumps(again.as_record()) == text
    assert [type(each) for each in again.stages] == [StageVerdict] * len(found.stages)
    assert (again.measured, again.not_asked) == (found.measured, found.not_asked)


def test_the_worst_stage_gives_statistic_interval_and_threshold() -> None:
    found = result(stage("one", "passed", 0.1), stage("two", "failed", -0.7))
    assert found.deciding == found.stages[1]
    assert (found.statistic, found.threshold) == (-0.7, 0.5)
    assert found.interval == pytest.approx((-0.8, -0.6))


@pytest.mark.parametrize("found", [RESULTS[0], RESULTS[2], RESULTS[3]])
def test_what_is_not_defined_has_neither_statistic_nor_interval(found: CheckResult) -> None:
    assert (found.statistic, found.interval) == (None, None)


def test_a_figure_is_found_by_its_name() -> None:
    assert result().measured.figure("networks tried") == 80
    assert result().measured.figure("networks") is None


def test_what_was_not_asked_says_why() -> None:
    found = not_asked("contract", "it", "net", 2, "there is nothing to ask")
    assert found.verdict == "undefined"
    assert found.message == "contract: it on net NOT ASKED\n\nthere is nothing to ask."
