"""The step summary, made of records."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.result import Figure, Finding, Measured, StageVerdict, Verdict, not_asked
from pytest_saliency_sanity.checks.plan import Plan
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.record import Record
from pytest_saliency_sanity.reports.run import Run
from pytest_saliency_sanity.reports.text.step_summary import markdown

HOSTILE = "m|<b>`x`\n# a **bold** [link](x) \\ <!--"
AS_TEXT = r"m\|&lt;b&gt;\`x\` # a \*\*bold\*\* \[link\](x) \\ &lt;!--"
MOST = 60_000  # bytes


def run(*records: Record, **parts: Any) -> Run:
    plan = Plan.of(["it"], ["net"], ["repeatability"])
    settings: dict[str, Any] = {"preset": "embedded", "tier": "gate", "device": "cpu", "images": 40, "seed": 0}
    return Run(**{"plan": plan, **settings, "command": "pytest --saliency-method=it", "records": records, **parts})


def result(verdict: Verdict = "passed", **parts: Any) -> CheckResult:
    stage = StageVerdict("again", 0.5, verdict, Interval(0.25, 0.2, 0.3), 0, 120, above=True)
    found = CheckResult("repeatability", "it", "net", verdict, "a message", Measured(0, images=40), (stage,))
    return replace(found, **parts)


def error(check: str, reason: str = "boom", **parts: Any) -> Record:
    given: dict[str, Any] = {"id": "x", "method": "it", "model": "net", "check": check, "variant": ""} | parts
    return Record(**given, outcome="failed", reason=reason)


def cells(line: str) -> list[str]:
    return [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows(text: str) -> list[list[str]]:
    return [cells(line) for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]


def test_what_is_not_plainly_passed_is_in_a_table_the_worst_first() -> None:
    told = markdown(
        run(
            Record.of(result(check="passed")),
            Record.of(result("failed", findings=(Finding("it stays", "0.99"),))),
            Record.of(not_asked("contract", "it", "net", 0, "it refuses all")),
            error("one"),
            error("two"),
        )
    )
    table, folded = told.split("<details>")
    numbers = ["again", r"SRC 0.250 \[0.200, 0.300\]", "above 0.5"]
    assert rows(table)[1:] == [
        ["failed without a verdict", "it", "net", "one, two", "", "", "", "boom"],
        ["failed", "it", "net", "repeatability", *numbers, "it stays (0.99)"],
    ]
    assert rows(folded)[1:] == [
        *rows(table)[1:],
        ["skipped", "it", "", "contract", "", "", "", "it refuses all"],
        ["passed", "it", "net", "passed", *numbers, ""],
    ]
    assert told.startswith("## 🟥 Saliency sanity: 1 of 4 questions passed\n")
    assert "- it on net: 1 of 4 passed\n" in told
    assert "- skipped: contract of it: it refuses all\n" in told


def test_all_rows_have_as_many_cells_as_the_heading() -> None:
    contract = result("failed", stages=(), measured=Measured(0, figures=(Figure("networks | tried", 5),)))
    told = markdown(run(Record.of(contract), Record.of(result(method=HOSTILE)), error("one", HOSTILE)))
    assert {len(each) for each in rows(told)} == {8}


def test_names_and_reasons_are_text_whatever_they_hold() -> None:
    told = markdown(run(Record.of(result("failed", method=HOSTILE)), error("x", HOSTILE), problems=(HOSTILE,)))
    listed = [row for row in rows(told) if AS_TEXT in row]
    assert len(listed) == 4
    assert f"**Not green:** {AS_TEXT}" in told
    assert "<b>" not in told
    assert re.findall("^#.*", told, re.MULTILINE) == ["## 🟥 Saliency sanity: 0 of 2 questions passed"]


def test_a_command_can_not_end_its_block() -> None:
    told = markdown(run(command="pytest -k '```\n~~~ x'"))
    assert "~~~sh\npytest -k '``` ~~~ x'\n~~~\n" in told


def test_a_green_run_says_so_and_what_a_pass_means() -> None:
    told = markdown(run(Record.of(result()), planned=1, ran=1, seconds=2.4, outcomes=Counter(["passed"])))
    assert told.startswith("## 🟢 Saliency sanity: 1 of 1 questions passed\n")
    assert "1 packaged test planned, 1 ran; preset embedded, tier gate, seed 0, 2 s:\n" in told
    assert "It does not say that the maps are faithful." in told


def test_a_run_of_the_projects_own_tests_is_red_if_one_failed() -> None:
    assert markdown(run(own=1, outcomes=Counter(["failed"]))).startswith("## 🟥 Saliency sanity: no question was put\n")


def test_a_large_run_fits_and_says_what_was_left_out() -> None:
    long = "a.very.long.module:method" * 20
    records = [Record.of(result("failed", method=f"{number}{long}", model=f"{number}")) for number in range(500)]
    told = markdown(run(*records, *(error("x", long, method=f"{number}") for number in range(500)), notes=(long,) * 99))
    assert len(told.encode()) < MOST
    assert len(re.findall(r"^\d+ more are left out here\.$", told, re.MULTILINE)) == 2
    assert (told.count("<details>"), told.count("</details>")) == (1, 1)
