"""Records travel as JSON and come back as they were; what is undefined is null, never NaN."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.cascades import HOSTILE, NAN, NOTHING, cascade
from support.records import contract, unanswered

from pytest_saliency_sanity.checks.judging.evidence import Point
from pytest_saliency_sanity.checks.judging.result import CheckResult, Figure, Measured, StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.record import Record

INF = float("inf")


def there_and_back(record: Record) -> Record:
    return Record.from_record(json.loads(json.dumps(record.as_record(), allow_nan=False)))


def changed(record: Record, **parts: Any) -> Record:
    assert record.result is not None
    return replace(record, result=replace(record.result, **parts))


@pytest.mark.parametrize(
    "record", [cascade(), cascade(verdict="failed", expected="noise"), contract(), unanswered(), unanswered(reason="")]
)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert there_and_back(record) == record


@pytest.mark.parametrize("name", HOSTILE)
def test_names_and_texts_come_back_as_they_were(name: str) -> None:
    record = cascade(
        name, name, stages=(name, "b", "c"), reason=name, command=name, parameters={name: name}, message=name
    )
    assert there_and_back(record) == record


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("bound", [0, 1, 2])
def test_an_interval_with_a_bound_that_is_not_finite_is_null_there_and_nan_again(bound: int, bad: float) -> None:
    interval = Interval(*(bad if place == bound else 0.5 for place in range(3)))
    stage = StageVerdict("a", 0.5, "inconclusive", interval, 0, 10)
    point = Point("a", "similarity", "signed", interval, (bad, 0.25))
    record = changed(cascade(), stages=(stage,), magnitudes=(stage,), curve=(point,))
    kept = record.as_record()["result"]
    for each in (*kept["stages"], *kept["magnitudes"], *kept["curve"]):
        assert [each[name] is None for name in Interval._fields] == [place == bound for place in range(3)]
    result = there_and_back(record).result
    assert result is not None
    for back in (*(each.interval for each in (*result.stages, *result.magnitudes)), result.curve[0].interval):
        assert np.isnan(back).tolist() == [place == bound for place in range(3)]
    assert result.curve[0].by_draw == (None, 0.25)


def test_nothing_that_is_undefined_has_a_number_anywhere() -> None:
    nothing = StageVerdict("a", 0.5, "undefined", NOTHING, 10, 10)
    measured = Measured(0, chance=NAN, figures=(Figure("mass", NAN), Figure("top", INF), Figure("count", 3)))
    record = changed(cascade(), verdict="undefined", stages=(nothing,), measured=measured)
    kept = json.loads(json.dumps(record.as_record(), allow_nan=False))["result"]
    assert (kept["statistic"], kept["interval"], kept["margin"], kept["threshold"]) == (None, None, None, 0.5)
    assert kept["measured"]["chance"] is None
    assert kept["measured"]["figures"] == [["mass", None], ["top", None], ["count", 3]]
    back = CheckResult.from_record(kept).measured
    assert back.chance is None
    assert [np.isnan(value) for _, value in back.figures] == [True, True, False]


def test_a_margin_is_null_if_the_interval_has_no_width() -> None:
    without_width = StageVerdict("a", 0.5, "passed", Interval(0.25, 0.25, 0.25), 0, 10)
    assert changed(cascade(), stages=(without_width,)).as_record()["result"]["margin"] is None


def test_numbers_of_numpy_are_kept_as_numbers() -> None:
    # What another package's check measures with numpy's float32 is no float of Python's.
    number: Any = np.float32(0.25)
    stage = StageVerdict("a", 0.5, "passed", Interval(number, number, number), 0, 10)
    kept = json.loads(json.dumps(changed(cascade(), stages=(stage,)).as_record()))
    assert kept["result"]["statistic"] == kept["result"]["stages"][0]["mean"] == 0.25


def test_the_evidence_is_no_part_of_a_record() -> None:
    record = cascade()
    back = there_and_back(record).result
    assert record.result is not None
    assert back is not None
    assert record.result.evidence is not None
    assert back.evidence is None


@pytest.mark.parametrize(("check", "model"), [("contract", ""), ("repeatability", "net"), ("somebody_elses[x]", "net")])
def test_a_question_put_to_the_method_alone_has_no_model(check: str, model: str) -> None:
    record = Record.of(CheckResult(check, "it", "net", "passed", "", Measured(0)))
    assert (record.model, record.question) == (model, check)
    assert record.id == "/".join(filter(None, ("it", model, check)))


@pytest.mark.parametrize(
    ("parts", "tier", "outcome"),
    [
        ({}, "gate", "passed"),
        ({"verdict": "failed"}, "gate", "failed"),
        ({"verdict": "failed", "finding": True}, "gate", "passed"),
        ({"verdict": "failed", "finding": True}, "full", "failed"),
        ({"verdict": "undefined", "not_asked": "no scenes"}, "gate", "skipped"),
    ],
)
def test_the_outcome_of_a_result_that_no_test_gave(parts: dict[str, Any], tier: str, outcome: str) -> None:
    result = CheckResult(
        **{"check": "contract", "method": "it", "model": "", "verdict": "passed", **parts},
        message="",
        measured=Measured(0),
    )
    assert Record.of(result, tier).outcome == outcome
