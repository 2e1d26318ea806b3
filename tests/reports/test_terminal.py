"""The table and the lines around it, made of results."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.result import Figure, Finding, Measured, StageVerdict, Verdict, not_asked
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.run import Run
from pytest_saliency_sanity.reports.terminal import color_of, counted, counts, header, row_of, summary, table

NAN = float("nan")
PLAN = Plan.of(["it"], ["net"], ["repeatability"])


def run(**parts: Any) -> Run:
    return Run(
        **{"plan": PLAN, "preset": "embedded", "tier": "gate", "device": "cpu", "images": 40, "seed": 0, **parts}
    )


def result(verdict: Verdict = "passed", mean: float = 0.25, undefined: int = 0, **parts: Any) -> CheckResult:
    stage = StageVerdict("again", 0.5, verdict, Interval(mean, mean - 0.05, mean + 0.05), undefined, 120, above=True)
    measured = Measured(0, "signed", True, images=40, draws=3)
    found = CheckResult("repeatability", "it", "net", verdict, "a message", measured, (stage,))
    return replace(found, **parts)


STATISTIC = ("with signs", "0.250 [0.200, 0.300] SRC", "above 0.5")
FINDING = Finding("the picture stays", "0.99 by magnitude")
COUNTED = Measured(0, figures=(Figure("networks tried", 80), Figure("x", 1)))


@pytest.mark.parametrize(
    ("found", "tier", "cells"),
    [
        (result(), "gate", (*STATISTIC, "passed")),
        (
            result(quantity="drop of mass"),
            "gate",
            ("with signs", "0.250 [0.200, 0.300] drop of mass", "above 0.5", "passed"),
        ),
        (result("failed", undefined=7), "gate", (*STATISTIC, "failed (7 of 120 SRCs undefined)")),
        (
            result("undefined", NAN, 120),
            "gate",
            ("with signs", "none defined", "above 0.5", "undefined (120 of 120 SRCs undefined)"),
        ),
        (result("failed", finding=True), "gate", (*STATISTIC, "failed (a finding, not decisive)")),
        (result("failed", finding=True), "full", (*STATISTIC, "failed")),
        (result(findings=(FINDING,)), "gate", (*STATISTIC, "passed (but a finding)")),
        (result(findings=(FINDING,)), "full", (*STATISTIC, "passed (but a finding decides)")),
        (not_asked("repeatability", "it", "net", 0, "why"), "gate", ("", "", "", "not asked")),
        (result(stages=(), measured=COUNTED), "gate", ("", "80 networks tried", "", "passed")),
    ],
)
def test_a_row_says_what_was_measured_and_what_it_means(found: CheckResult, tier: str, cells: tuple[str, ...]) -> None:
    assert row_of(found, tier) == ("it", "net", "repeatability", *cells)


def test_columns_are_aligned() -> None:
    lines = table([result(), result(method="another")], "gate")
    assert len({line.index("repeatability") for line in lines[1:]} | {lines[0].index("check")}) == 1


def test_a_failed_finding_is_a_warning_to_the_eye() -> None:
    found = (result(), result("failed"), result("failed", finding=True), result(findings=(FINDING,)))
    assert [color_of(each, "gate") for each in found] == ["green", "red", "yellow", "green"]
    assert [color_of(each, "full") for each in found] == ["green", "red", "red", "red"]


def test_a_finding_is_told_once_for_all_checks_that_found_it() -> None:
    found = [result(check=check, findings=(FINDING,)) for check in ("one", "two")]
    told = [line for line in summary(run(results=tuple(found))) if "the picture stays" in line.text]
    text = "note: it on net: the picture stays (one: 0.99 by magnitude; two: 0.99 by magnitude)"
    assert told == [(text, "yellow")]


def test_what_ended_in_errors_is_in_the_summary_too() -> None:
    lines = list(summary(run(unanswered={("it", "net"): 3, ("it", ""): 1})))
    assert ("it on net: 3 tests failed without a verdict", "red") in lines
    assert ("it: 1 test failed without a verdict", "red") in lines


def test_the_heading_says_how_sure_the_intervals_are() -> None:
    assert "measured [99 % interval]" in next(summary(run(results=(result(),), confidence=0.99))).text


@pytest.mark.parametrize(("count", "text"), [(0, "0 tests"), (1, "1 test"), (2, "2 tests")])
def test_a_number_has_the_right_noun(count: int, text: str) -> None:
    assert counted(count, "test") == text


def test_the_header_says_one_test_if_it_is_one() -> None:
    assert header(run(planned=1), "12 images") == (
        "saliency-sanity: it x net: 1 test planned, preset embedded, tier gate; 12 images, seed 0, device cpu"
    )


def test_the_header_says_how_maps_are_read_if_it_is_not_as_usual() -> None:
    told = header(run(sign="absolute", law="permute", confidence=0.99), "12 images")
    assert told.endswith("seed 0, device cpu, sign absolute, law permute, confidence 0.99")


def test_outcomes_are_counted() -> None:
    found = run(planned=3, ran=2, own=1, outcomes=Counter(["passed", "failed", "passed"]))
    assert counts(found) == "packaged tests: 3 planned, 2 ran; 1 test of your own: 2 passed, 1 failed"


def test_a_run_of_other_images_than_planned_says_how_many() -> None:
    fewer = result(measured=Measured(0, "signed", True, images=12, draws=3))
    texts = [line.text for line in summary(run(results=(fewer,)))]
    assert "images looked at: 12" in texts
    assert "images looked at: 12" not in [line.text for line in summary(run(results=(fewer,), images=12))]


def test_checks_with_images_of_their_own_are_named() -> None:
    own = result(check="bias_detection", measured=Measured(0, "absolute", images=200))
    lines = [line.text for line in summary(run(results=(result(), result(), own)))]
    assert "images looked at: 40; 200 by bias_detection" in lines


def test_problems_and_reports_are_told() -> None:
    lines = list(summary(run(problems=("two tests were lost",), written=("out/results.json",))))
    assert ("report: out/results.json", "") in lines
    assert ("not green: two tests were lost", "red") in lines
