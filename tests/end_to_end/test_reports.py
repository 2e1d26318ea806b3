"""``--saliency-report=DIR``: every registered report of a run, the same with and without workers."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from support.packages import Install

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.reports.registry import REPORTS

CHOSEN = ("--saliency-method=gradient", "--saliency-method=sobel", "--saliency-model=alexnet", "--saliency-images=10")
CHECKS = ("--saliency-check=label_randomization", "--saliency-check=class_sensitivity")
BROKEN = """
from pytest_saliency_sanity.reports.registry import Report

def write(run, path):
    raise OSError("no ink")

REPORT = Report("broken", "a report that can't be written", "broken.txt", write)
"""


def written(pytester: pytest.Pytester, *how: str) -> dict[str, Any]:
    pytester.runpytest_inprocess(*CHOSEN, *CHECKS, "--saliency-report=out", "-p", "no:randomly", *how)
    found: dict[str, Any] = json.loads((pytester.path / "out" / "results.json").read_text())
    return found


def test_every_result_is_kept_in_the_order_of_the_plan(pytester: pytest.Pytester) -> None:
    kept = written(pytester)
    results = [CheckResult.from_record(each) for each in kept["results"]]
    expected = [
        result
        for method in ("gradient", "sobel")
        for result in check_method(
            method, models=["alexnet"], checks=["label_randomization", "class_sensitivity"], images=10
        )
    ]
    assert results == expected
    assert (kept["planned"], kept["ran"], kept["outcomes"]) == (4, 4, {"passed": 2, "failed": 2})
    assert (kept["preset"], kept["tier"], kept["images"], kept["seed"]) == ("embedded", "gate", 10, 0)


def test_workers_give_the_same_report(pytester: pytest.Pytester) -> None:
    assert written(pytester, "-n", "2") == written(pytester)


def test_the_summary_says_where_the_reports_are(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(*CHOSEN, *CHECKS[:1], "--saliency-report=deep/out")
    result.stdout.fnmatch_lines(["report: deep/out/results.json"])


def test_a_failure_that_is_expected_keeps_its_reason(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nsaliency_expected_failures = sobel/*/* -> it is an edge detector")
    kept = written(pytester)
    assert {each["method"]: each["expected"] for each in kept["results"]} == {
        "gradient": "",
        "sobel": "it is an edge detector",
    }


def test_a_report_that_can_not_be_written_is_red_and_the_others_are_written(
    pytester: pytest.Pytester, install: Install
) -> None:
    install("theirs", REPORTS.group, {"theirs_report": BROKEN}, broken="theirs_report:REPORT")
    result = pytester.runpytest_inprocess(*CHOSEN[1:], "--saliency-check=repeatability", "--saliency-report=out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["not green: the report broken was not written: OSError: no ink"])
    assert (pytester.path / "out" / "results.json").exists()


@pytest.mark.parametrize("folder", ["out", "out/of/this/run"])
def test_a_file_in_place_of_the_folder_is_a_usage_error(folder: str, pytester: pytest.Pytester) -> None:
    (pytester.path / "out").touch()
    result = pytester.runpytest_inprocess(*CHOSEN, f"--saliency-report={folder}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert re.search(r"--saliency-report: \S*out is a file: name a folder", result.stderr.str())


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write to every folder")
def test_a_folder_that_can_not_be_written_to_is_a_usage_error(pytester: pytest.Pytester) -> None:
    pytester.mkdir("locked").chmod(0o500)
    result = pytester.runpytest_inprocess(*CHOSEN, "--saliency-report=locked/out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--saliency-report: locked/out can't be written to: name another folder" in result.stderr.str()


def test_an_idle_run_writes_none(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_other(): pass")
    assert pytester.runpytest_inprocess("--saliency-report=out").ret == pytest.ExitCode.OK
    assert not (pytester.path / "out").exists()
