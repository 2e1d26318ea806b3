"""The lines of the header and the summary, made of records."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.result import Figure, Finding, Measured, StageVerdict, Verdict, not_asked
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run
from pytest_saliency_sanity.reports.text.columns import WIDTH, columns
from pytest_saliency_sanity.reports.text.terminal import Line, counts, header, summary
from pytest_saliency_sanity.reports.text.wording import counted

NAN = float("nan")
PLAN = Plan.of(["it"], ["net"], ["repeatability"])
FINDING = Finding("the picture stays", "0.99 by magnitude")
NUMBERS = "    stage again: SRC 0.250 [0.200, 0.300], must stay above 0.5"
LONG = "a.package.of.many.modules:AMethodWithAVeryLongName?n_steps=1000&baseline=0.5"


def run(*records: Record, **parts: Any) -> Run:
    settings: dict[str, Any] = {"preset": "embedded", "tier": "gate", "device": "cpu", "images": 40, "seed": 0}
    return Run(**{"plan": PLAN, **settings, "records": records, **parts})


def result(verdict: Verdict = "passed", mean: float = 0.25, undefined: int = 0, **parts: Any) -> CheckResult:
    stage = StageVerdict("again", 0.5, verdict, Interval(mean, mean - 0.05, mean + 0.05), undefined, 120, above=True)
    measured = Measured(0, "signed", True, images=40, draws=3)
    found = CheckResult("repeatability", "it", "net", verdict, "a message", measured, (stage,))
    return replace(found, **parts)


def record(verdict: Verdict = "passed", mean: float = 0.25, undefined: int = 0, **parts: Any) -> Record:
    return Record.of(result(verdict, mean, undefined, **parts))


def without_result(outcome: str, reason: str, check: str = "repeatability", **parts: Any) -> Record:
    return Record(
        **{"id": "x", "method": "it", "model": "net", "check": check, "variant": "", **parts},
        outcome=outcome,
        reason=reason,
    )


def lines(found: Run, *, every: bool = False) -> list[str]:
    return [line.text for line in summary(found, every=every)]


@pytest.mark.parametrize(
    ("found", "tier", "told"),
    [
        (record("failed"), "gate", ["  failed: repeatability", NUMBERS]),
        (record("failed", undefined=7), "gate", ["  failed: repeatability (7 of 120 SRCs undefined)", NUMBERS]),
        (
            record("failed", undefined=7, quantity="mass outside"),
            "gate",
            ["  failed: repeatability (7 of 120 maps undefined)", NUMBERS.replace("SRC", "mass outside")],
        ),
        (
            record("undefined", NAN, 120),
            "gate",
            [
                "  undefined: repeatability (120 of 120 SRCs undefined)",
                "    stage again: no SRC is defined, must stay above 0.5",
            ],
        ),
        (
            record("inconclusive", finding=True),
            "gate",
            ["  inconclusive: repeatability (a finding, not decisive)", NUMBERS],
        ),
        (replace(record("failed", finding=True), outcome="failed"), "full", ["  failed: repeatability", NUMBERS]),
        (
            replace(record(findings=(FINDING,)), outcome="failed"),
            "full",
            ["  failed: repeatability (passed, but a finding decides)", NUMBERS],
        ),
        (
            replace(record("failed", expected="noise is noise"), outcome="xfailed"),
            "gate",
            ["  failed: repeatability (expected: noise is noise)", NUMBERS],
        ),
        (
            replace(record(expected="noise is noise"), outcome="failed"),
            "gate",
            ["  failed: repeatability (passed, but it was expected to fail: noise is noise)", NUMBERS],
        ),
        (
            replace(record(), outcome="failed", reason="OSError: no disk"),
            "gate",
            ["  failed: repeatability (passed, but OSError: no disk)", NUMBERS],
        ),
        (
            record("failed", stages=(), measured=Measured(0, figures=(Figure("networks tried", 80), Figure("x", 1)))),
            "gate",
            ["  failed: repeatability", "    networks tried: 80; x: 1"],
        ),
        (
            without_result("failed", "RuntimeError: boom"),
            "gate",
            ["  failed without a verdict: repeatability", "    RuntimeError: boom"],
        ),
    ],
)
def test_what_is_not_plainly_passed_has_its_lines(found: Record, tier: str, told: list[str]) -> None:
    shown = lines(run(found, tier=tier))
    assert shown[0] == "it on net: 0 of 1 passed"
    assert shown[1 : len(told) + 1] == told


def test_what_was_passed_is_counted_and_shown_only_if_asked_for() -> None:
    found = run(record(), record("failed", check="symmetry[rescaling]"))
    told = [lines(found)[0], *lines(found, every=True)[:2]]
    assert told == ["it on net: 1 of 2 passed", "it on net: 1 of 2 passed", "  maps with signs, 40 images"]
    assert "  passed: repeatability" not in lines(found)
    assert lines(found, every=True)[4:6] == ["  passed: repeatability", NUMBERS]
    hint = "-v shows every question, with its numbers."
    assert (hint in lines(found), hint in lines(found, every=True)) == (True, False)
    assert hint not in lines(run(record("failed")))


def test_the_worst_comes_first() -> None:
    found = run(
        record(check="passed"),
        record("inconclusive", finding=True, check="finding"),
        record("inconclusive", check="inconclusive"),
        record("undefined", NAN, check="undefined"),
        record("failed", 0.4, check="near"),
        record("failed", 0.1, check="far"),
        without_result("failed", "boom", check="error"),
    )
    told = [
        line.strip().partition(" (")[0] for line in lines(found, every=True) if line.startswith("  ") and ":" in line
    ]
    assert [line.rpartition(": ")[2] for line in told if "stage" not in line] == [
        *("error", "far", "near", "undefined", "inconclusive", "finding", "passed")
    ]


def test_methods_with_the_worst_answers_come_first_and_others_as_planned() -> None:
    plan = Plan.of(["b", "a", "bad", "raising"], ["net"], ["repeatability"])
    found = run(
        *(record(method=method) for method in ("b", "a")),
        record("failed", method="bad"),
        without_result("failed", "boom", method="raising"),
        plan=plan,
    )
    told = [line.partition(" on ")[0] for line in lines(found) if " on net: " in line]
    assert told == ["raising", "bad", "b", "a"]


def test_questions_that_ended_for_the_same_reason_are_told_together_in_the_order_of_the_plan() -> None:
    found = run(
        *(without_result("failed", "boom", check=check) for check in ("z", "a")),
        without_result("failed", "bang", check="m"),
    )
    assert lines(found)[:5] == [
        "it on net: 0 of 3 passed",
        *("  failed without a verdict: z, a", "    boom", "  failed without a verdict: m", "    bang"),
    ]
    assert "  failed without a verdict: all 2 questions" in lines(run(*found.records[:2]))


def test_what_was_skipped_is_told_once_for_each_reason() -> None:
    skipped = [without_result("skipped", "no scenes", method=method) for method in ("it", "other")]
    asked = Record.of(not_asked("contract", "it", "small random networks", 0, "it refuses all of them"))
    told = lines(run(record(), *skipped, asked))
    assert told[:5] == [
        "it on net: 1 of 1 passed, 1 skipped",
        *("skipped: repeatability of it on net and 1 more", "    no scenes"),
        *("skipped: contract of it", "    it refuses all of them"),
    ]


def test_lines_are_coloured_by_what_they_mean() -> None:
    found = run(record(method="good"), record("failed"), record("inconclusive", check="contract"))
    markup = {line.text.partition(":")[0]: line.markup for line in summary(found)}
    assert (markup["good on net"], markup["  failed"], markup["  inconclusive"]) == ("green", "red", "yellow")
    assert markup["it on net"] == "bold"


def test_a_finding_is_told_once_for_all_checks_that_found_it() -> None:
    found = run(*(record(check=check, findings=(FINDING,)) for check in ("one", "two")))
    assert list(summary(found))[:3] == [
        ("it on net: 2 of 2 passed", "green"),
        ("  finding: the picture stays", "yellow"),
        ("    one: 0.99 by magnitude; two: 0.99 by magnitude", ""),
    ]
    assert "  passed: one (but a finding)" in lines(found, every=True)


@pytest.mark.parametrize("name", [LONG, "зашумлённый_метод", "显著性方法" * 12, "a\nb\x1b[31m|<b>`", "é́" * 50])
def test_no_line_is_longer_than_a_terminal_whatever_the_method_is_called(name: str) -> None:
    failed = record("failed", undefined=7, method=name, check="cascading_randomization[independent]")
    found = run(
        failed, record(method=name), without_result("failed", f"{name} raised " * 9, method=name), notes=("note " * 40,)
    )
    told = lines(found, every=True)
    assert all(columns(line) <= WIDTH and line.isprintable() for line in told if name not in line)
    assert told[0].endswith(": 1 of 3 passed")
    assert "  failed: cascading_randomization[independent] (7 of 120 SRCs undefined)" in told


def test_the_numbers_say_how_sure_they_are() -> None:
    told = lines(run(record(), confidence=0.99))
    assert "[low, high]: the 99 % interval (over all looks); it must stay on that side." in told
    assert not [line for line in lines(run(without_result("failed", "boom"))) if "interval" in line]


@pytest.mark.parametrize(("count", "text"), [(0, "0 tests"), (1, "1 test"), (2, "2 tests")])
def test_a_number_has_the_right_noun(count: int, text: str) -> None:
    assert counted(count, "test") == text


def test_the_header_says_one_test_if_it_is_one() -> None:
    assert header(run(planned=1), "12 images") == [
        "saliency-sanity: it x net: 1 test planned",
        "  preset embedded, tier gate; 12 images, seed 0, device cpu",
    ]


def test_the_header_says_how_maps_are_read_if_it_is_not_as_usual() -> None:
    told = " ".join(header(run(sign="absolute", law="permute", confidence=0.99), "12 images")).split()
    assert " ".join(told).endswith("seed 0, device cpu, sign absolute, law permute, confidence 0.99")


def test_the_header_of_many_methods_fits_a_terminal() -> None:
    plan = Plan.of([f"a_method_{number}" for number in range(20)], ["net"], ["repeatability"])
    told = header(run(plan=plan, planned=20), "12 images")
    assert max(map(len, told)) <= WIDTH
    assert " ".join(told).count("a_method_") == 20


def test_outcomes_are_counted() -> None:
    found = run(planned=3, ran=2, own=1, outcomes=Counter(["passed", "failed", "passed"]))
    assert counts(found) == "packaged tests: 3 planned, 2 ran; 1 test of your own: 2 passed, 1 failed"


def test_a_run_of_other_images_than_planned_says_how_many() -> None:
    fewer = record(measured=Measured(0, "signed", True, images=12, draws=3))
    assert "images looked at: 12" in lines(run(fewer))
    assert "images looked at: 12" not in lines(run(fewer, images=12))
    assert "images looked at: 12 to 40" in lines(run(fewer, record(), images=None))


def test_problems_and_reports_are_told() -> None:
    told = list(summary(run(problems=("two tests were lost",), written=("out/results.json",))))
    assert Line("report: out/results.json") in told
    assert Line("not green: two tests were lost", "red") in told
