"""Results: what they say of themselves, and how they travel."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.evidence import Evidence, Point
from pytest_saliency_sanity.checks.judging.result import (
    Figure,
    Finding,
    Measured,
    StageVerdict,
    Verdict,
    decisive,
    not_asked,
)
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


@pytest.mark.parametrize(
    ("above", "must_be", "excess", "margin"), [(False, "below 0.5", 0.25, -2.5), (True, "above 0.5", -0.25, 2.5)]
)
def test_a_stage_says_on_which_side_it_must_be_and_how_far_it_is(
    above: bool, must_be: str, excess: float, margin: float
) -> None:
    found = stage("one", "failed", 0.75, above=above)
    assert found.must_be == must_be
    assert found.excess == excess
    assert found.margin == pytest.approx(margin)


def test_without_a_width_there_is_no_margin() -> None:
    assert StageVerdict("one", 0.5, "failed", Interval(0.7, 0.7, 0.7), 0, 40).margin is None
    assert StageVerdict("one", 0.5, "undefined", Interval(NAN, NAN, NAN), 40, 40).margin is None


def test_the_worst_verdict_decides_and_of_several_the_one_with_the_worst_mean() -> None:
    worst_first: tuple[Verdict, ...] = ("failed", "undefined", "inconclusive", "passed")
    for place, worst in enumerate(worst_first):
        others = [stage("other", verdict, 0.9) for verdict in worst_first[place + 1 :]]
        first, second = stage("first", worst, 0.2), stage("second", worst, 0.3)
        assert decisive([first, *others, second]) == second
        assert decisive([second, *others, first]) == second
    first, second = stage("first", "failed", 0.2, above=True), stage("second", "failed", 0.3, above=True)
    assert decisive([second, first]) == first


@pytest.mark.parametrize(
    ("sign", "has_signs", "words"),
    [
        ("signed", True, "with signs"),
        ("signed", False, "without signs"),
        ("absolute", False, "magnitudes"),
        ("absolute", True, "magnitudes"),
        ("", False, ""),
    ],
)
def test_what_was_compared_is_said_in_words(sign: str, has_signs: bool, words: str) -> None:
    assert Measured(0, sign, has_signs).maps == words


FINDING = Finding("it draws edges", "SRC 0.9")


@pytest.mark.parametrize(
    ("verdict", "finding", "findings", "gate", "full"),
    [
        ("passed", False, (), True, True),
        ("passed", False, (FINDING,), True, False),
        ("passed", True, (), True, True),
        ("failed", False, (), False, False),
        ("failed", True, (), True, False),
        ("inconclusive", False, (), False, False),
        ("inconclusive", True, (), True, False),
        ("undefined", False, (), False, False),
    ],
)
def test_a_finding_decides_in_the_tier_full_only(
    verdict: Verdict, finding: bool, findings: tuple[Finding, ...], gate: bool, full: bool
) -> None:
    found = replace(result(), verdict=verdict, finding=finding, findings=findings)
    assert (found.passed_in("gate"), found.passed_in("full")) == (gate, full)


def full_result() -> CheckResult:
    stages = stage("one", "passed", 0.1), stage("two", "failed", 0.7)
    curve = tuple(Point(each.stage, "SRC", "signed", each.interval, (0.1, None), 10, 2, 1, 0) for each in stages)
    return replace(
        result(*stages), magnitudes=stages[:1], curve=curve, findings=(FINDING,), expected="known", finding=True
    )


def test_all_of_a_result_travels_but_for_the_evidence() -> None:
    found = full_result()
    record = found.as_record()
    assert CheckResult.from_record(json.loads(json.dumps(record, allow_nan=False))) == found
    assert (record["statistic"], record["threshold"]) == (0.7, 0.5)
    assert record["interval"] == pytest.approx([0.6, 0.8])
    assert record["margin"] == pytest.approx(-2)
    assert "evidence" not in record
    assert result().as_record()["margin"] is None


def test_verdicts_are_found_by_stage_and_by_how_maps_were_read() -> None:
    found = full_result()
    one, two = found.stages
    assert found.judged_by_stage == {("one", "signed"): one, ("two", "signed"): two, ("one", "absolute"): one}
    both = found.curve[0], replace(found.curve[0], sign="absolute")
    assert replace(found, curve=both).judged_by_stage == found.judged_by_stage
    # Without a curve, maps were read as was measured.
    assert set(replace(found, curve=(), magnitudes=()).judged_by_stage) == {("one", "absolute"), ("two", "absolute")}


def test_numbers_of_numpy_become_those_of_python() -> None:
    evidence = Evidence({"signed": {"one": np.zeros((1, 10))}})
    found = replace(full_result(), evidence=evidence)
    seven: Any = np.int64(7)
    measured = replace(found.measured, images=seven, figures=(Figure("share", np.float64(0.5)),))
    plain = replace(found, measured=measured).plain()
    assert (type(plain.measured.images), type(plain.measured.figure("share"))) == (int, float)
    assert plain.measured.images == 7
    assert plain.evidence is evidence


def test_what_is_no_number_can_not_be_kept() -> None:
    for value, kind in ((object(), TypeError), (NAN, ValueError)):
        measured = replace(result().measured, images=value)  # type: ignore[arg-type]
        with pytest.raises(kind, match=r"the result of symmetry\[rescaling\] can't be kept as JSON"):
            replace(result(), measured=measured).plain()


def test_what_is_not_said_of_a_measurement_was_not_measured() -> None:
    assert Measured(3) == Measured(3, "", False, 0, 0, 1, 0.95, None, ())


def test_a_figure_is_found_by_its_name() -> None:
    assert result().measured.figure("networks tried") == 80
    assert result().measured.figure("networks") is None


def test_what_was_not_asked_says_why() -> None:
    found = not_asked("contract", "it", "net", 2, "there is nothing to ask")
    assert found.verdict == "undefined"
    assert found.message == "contract: it on net NOT ASKED\n\nthere is nothing to ask."
    assert found.not_asked == "there is nothing to ask"
    assert result().not_asked == ""
