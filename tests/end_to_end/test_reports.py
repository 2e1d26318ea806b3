"""``--saliency-report=DIR``: every registered report of a run, the same with and without workers."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.packages import Install
from support.records import record, run
from support.runs import flat

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.reports.json_report import json_schema
from pytest_saliency_sanity.reports.registry import REPORTS, Report
from pytest_saliency_sanity.reports.run import Run

# A check of somebody else's, who minds neither NaN nor the types of numpy, and whose names are unkind.
AWKWARD = """
import numpy as np
from pytest_saliency_sanity import Check
from pytest_saliency_sanity.checks.judging.evidence import Evidence, Point
from pytest_saliency_sanity.checks.judging.result import CheckResult, Figure, Finding, Measured, StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval

NAME = "<b>|{{ 7 }} \\u663e =1+1"

def ask(subject, needs, variant, threshold):
    values = np.array([[np.nan, 2.5, 4.5]], "f4")
    stage = StageVerdict(NAME, 3, "failed", Interval(values[0, 1], np.nan, np.inf), np.isnan(values).sum(), 3, True)
    bounds = [Interval(mean, 1.5, 9.5) for mean in values[0]]
    points = [Point(f"{NAME}{n}", "loudness $x", "signed", each, (np.nan,)) for n, each in enumerate(bounds)]
    measured = Measured(subject.seed, chance=np.nan, figures=(Figure(NAME, np.float32("nan")), Figure("count", 3)))
    evidence = Evidence({"signed": {NAME: values}}, {NAME: values[None]})
    return CheckResult(
        f"awkward[{variant}]", subject.method_name, subject.model_name, "failed", "Rude.\\n\\nWhy.", measured, (stage,),
        findings=(Finding(NAME, NAME),), curve=tuple(points), evidence=evidence,
    )

def pytest_saliency_checks(config):
    return [Check("awkward", "is it awkward?", "us", ask, quantity="loudness $x", variants=(NAME,))]
"""
CHOSEN = ("--saliency-method=gradient", "--saliency-method=sobel", "--saliency-model=alexnet", "--saliency-images=10")
ASKED = ("label_randomization", "class_sensitivity")
CHECKS = tuple(f"--saliency-check={each}" for each in ASKED)
BROKEN = """
from pytest_saliency_sanity.reports.registry import Report

def write(run, path):
    raise OSError("no ink")

REPORT = Report("broken", "a report that can't be written", "broken.txt", write)
"""
SEVERAL = """
from pytest_saliency_sanity.reports.registry import Report

def write(run, path):
    paths = [path.with_name(f"part-{part}.txt") for part in (1, 2)]
    for part, each in enumerate(paths, 1):
        each.write_text(str(part))
    return paths

REPORT = Report("several", "a report of two files", "part-N.txt", write)
"""


def written(pytester: pytest.Pytester) -> dict[str, Any]:
    pytester.runpytest_inprocess(*CHOSEN, *CHECKS, "--saliency-report=out", "-p", "no:randomly")
    found: dict[str, Any] = json.loads((pytester.path / "out" / "results.json").read_text())
    return found


def test_every_result_is_kept_in_the_order_of_the_plan(pytester: pytest.Pytester) -> None:
    kept = written(pytester)
    results = [CheckResult.from_record(each["result"]) for each in kept["results"]]
    expected = [
        result
        for method in ("gradient", "sobel")
        for result in check_method(
            method,
            models=["alexnet"],
            checks=["label_randomization", "class_sensitivity"],
            images=10,
            illustrate=True,
        )
    ]
    assert results == expected
    assert (kept["planned"], kept["ran"], kept["outcomes"]) == (4, 4, {"passed": 2, "failed": 2})
    assert (kept["preset"], kept["tier"], kept["images"], kept["seed"]) == ("embedded", "gate", 10, 0)


def test_the_files_are_those_of_the_registered_reports(pytester: pytest.Pytester) -> None:
    written(pytester)
    folder = pytester.path / "out"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        *("results.json", "results.csv", "maps.npz", "index.html", "card-gradient.md", "card-sobel.md"),
        *(f"figures/bars-{check}.{kind}" for check in ASKED for kind in ("png", "svg")),
        *(f"figures/maps-{method}-alexnet-{check}.png" for method in ("gradient", "sobel") for check in ASKED),
    }


def test_a_folder_may_be_there_and_is_written_again(pytester: pytest.Pytester) -> None:
    (pytester.mkdir("out") / "results.json").write_text("older")
    (pytester.path / "out" / "mine.txt").write_text("mine")
    assert len(written(pytester)["results"]) == 4
    assert (pytester.path / "out" / "mine.txt").read_text() == "mine"


def test_the_summary_says_where_the_reports_are(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHOSEN, *CHECKS[:1], "--saliency-report=deep/out")
    result.stdout.fnmatch_lines(["report: deep/out/results.json"])


def test_a_failure_that_is_expected_keeps_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_expected_failures = sobel/*/* -> it is an edge detector")
    kept = written(pytester)
    assert {each["method"]: (each["outcome"], each["result"]["expected"]) for each in kept["results"]} == {
        "gradient": ("passed", ""),
        "sobel": ("xfailed", "it is an edge detector"),
    }
    page = (pytester.path / "out" / "index.html").read_text()
    assert page.count("It was expected not to pass: <bdi>it is an edge detector</bdi>") == 2
    assert "Nothing that decides stands against these methods." in page


def test_a_pass_that_was_not_expected_is_told(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_expected_failures = gradient/*/* -> it ought to fail")
    kept = written(pytester)
    (one, other) = (each for each in kept["results"] if each["method"] == "gradient")
    for each in (one, other):
        assert (each["outcome"], each["result"]["verdict"]) == ("failed", "passed")
        assert "it ought to fail" in each["reason"]
    page = (pytester.path / "out" / "index.html").read_text()
    assert page.count("Passed, but the test failed.") == 2


def test_a_finding_decides_in_the_tier_full_and_is_told_in_each(pytester: pytest.Pytester) -> None:
    found = {}
    for tier in ("gate", "full"):
        pytester.runpytest_inprocess(
            *("--saliency-method=input", *CHOSEN[2:], "--saliency-check=localization"),
            *("--saliency-report=out", f"--saliency-tier={tier}", "--saliency-model=resnet"),
        )
        (each,) = (
            each
            for each in json.loads((pytester.path / "out" / "results.json").read_text())["results"]
            if each["model"] == "resnet"
        )
        page = (pytester.path / "out" / "index.html").read_text()
        assert each["result"]["finding"] is True
        found[tier] = (
            each["outcome"],
            "a finding: it does not decide" in page.partition("<main>")[2].partition("</ul>")[2],
        )
    assert found == {"gate": ("xfailed", True), "full": ("failed", False)}


@pytest.mark.parametrize(("method", "outcomes"), [("gradient", {"passed": 1}), ("sobel", {"failed": 1})])
def test_a_report_that_can_not_be_written_is_red_and_the_others_are_written(
    method: str, outcomes: dict[str, int], pytester: pytest.Pytester, install: Install
) -> None:
    # Named so that it comes between the others; a run that is red for its own reasons stays so.
    install("theirs", REPORTS.group, {"theirs_report": BROKEN}, broken="theirs_report:REPORT")
    result = pytester.runpytest_inprocess(
        f"--saliency-method={method}", *CHOSEN[2:], CHECKS[0], "--saliency-report=out"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines(["not green: the report broken was not written: OSError: no ink"])
    assert {path.name for path in (pytester.path / "out").iterdir()} == {
        *("results.json", "results.csv", "maps.npz", "index.html", "figures", f"card-{method}.md")
    }


@pytest.mark.parametrize(
    ("file", "name"), [("index.html", "html"), ("results.csv", "csv"), ("maps.npz", "arrays"), ("figures", "figures")]
)
def test_each_report_that_can_not_be_written_is_named(file: str, name: str, pytester: pytest.Pytester) -> None:
    # A folder stands where its file belongs, or a file where its folder does.
    where = pytester.mkdir("out") / file
    where.touch() if file == "figures" else where.mkdir()
    result = pytester.runpytest_inprocess(*CHOSEN[:1], *CHOSEN[2:], CHECKS[0], "--saliency-report=out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    assert f"not green: the report {name} was not written" in flat(result)
    written = {path.name for path in (pytester.path / "out").iterdir()}
    assert written == {"results.json", "results.csv", "maps.npz", "index.html", "figures", "card-gradient.md"}


def test_a_report_may_be_several_files(pytester: pytest.Pytester, install: Install) -> None:
    install("theirs", REPORTS.group, {"theirs_report": SEVERAL}, several="theirs_report:REPORT")
    result = pytester.runpytest_inprocess(*CHOSEN[:1], *CHOSEN[2:], CHECKS[0], "--saliency-report=out")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["report: out/part-N.txt (2 files)"])
    assert [(pytester.path / "out" / f"part-{part}.txt").read_text() for part in (1, 2)] == ["1", "2"]


def test_the_paths_of_a_report_are_those_that_it_returns(tmp_path: Path) -> None:
    def one(found: Run, path: Path) -> None:
        path.touch()

    def several(found: Run, path: Path) -> list[Path]:
        return [path.with_name(name) for name in ("a", "b")]

    def none(found: Run, path: Path) -> list[Path]:
        return []

    expected = {one: ["x.txt"], several: ["a", "b"], none: []}
    for write, names in expected.items():
        report = Report("its", "a report", "x.txt", write)
        assert report.write_to(tmp_path, run(record())) == [tmp_path / name for name in names]


@pytest.mark.parametrize("folder", ["out", "out/of/this/run"])
def test_a_file_in_place_of_the_folder_is_a_usage_error(folder: str, pytester: pytest.Pytester) -> None:
    (pytester.path / "out").touch()
    result = pytester.runpytest_inprocess(*CHOSEN, f"--saliency-report={folder}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in result.stdout.str()
    assert re.search(r"--saliency-report: \S*out is a file: name a folder", result.stderr.str())


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write to every folder")
def test_a_folder_that_can_not_be_written_to_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.mkdir("locked").chmod(0o500)
    result = pytester.runpytest_inprocess(*CHOSEN, "--saliency-report=locked/out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "collected" not in result.stdout.str()
    assert "--saliency-report: locked/out can't be written to: name another folder" in result.stderr.str()


def test_an_idle_run_writes_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_other(): pass")
    assert pytester.runpytest_inprocess("--saliency-report=out").ret == pytest.ExitCode.OK
    assert not (pytester.path / "out").exists()


@pytest.mark.parametrize("how", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow), ("-W", "error")])
def test_an_awkward_check_is_reported_as_it_is(how: tuple[str, ...], pytester: pytest.Pytester) -> None:
    pytester.makeconftest(AWKWARD)
    options = (*CHOSEN[:1], *CHOSEN[2:], "--saliency-check=awkward", "--saliency-report=out", *how)
    result = pytester.runpytest_inprocess(*options)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1)
    assert "not green" not in flat(result)
    folder = pytester.path / "out"
    content = json.loads((folder / "results.json").read_text(), parse_constant=pytest.fail)
    Draft202012Validator(json_schema()).validate(content)
    (record,) = content["results"]
    found = record["result"]
    assert (found["statistic"], found["interval"], found["margin"]) == (2.5, [None, None], None)
    assert found["measured"]["figures"] == [[record["variant"], None], ["count", 3]]
    assert (found["measured"]["chance"], found["stages"][0]["undefined"]) == (None, 1)
    assert [point["mean"] for point in found["curve"]] == [None, 2.5, 4.5]
    assert [point["by_draw"] for point in found["curve"]] == [[None]] * 3
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;|{{ 7 }} 显 =1+1" in page
    assert "<b>" not in page
    assert len(list((folder / "figures").iterdir())) == 5
