"""The summary in Markdown that CI servers show on the page of a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.runs import Run, flat

GRADCAM, SOBEL = "--saliency-method=gradcam", "--saliency-method=sobel"
TWO = ("## 🟥 Saliency sanity: 1 of 2 questions passed", "- sobel on alexnet: 0 of 1 passed")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a job, to which an earlier step has written."""
    file = tmp_path / "summary.md"
    file.write_text("# An earlier step", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    return file


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)])
def test_it_is_appended_once(workers: tuple[str, ...], job: Path, quick: Run) -> None:
    quick(GRADCAM, SOBEL, *workers, "--saliency-report=out")
    lines = job.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# An earlier step"
    assert [lines.count(each) for each in TWO] == [1, 1]
    assert [line for line in lines if line.startswith("- report: ")]


def test_it_says_why_a_run_is_not_green(job: Path, quick: Run, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="def test_lost(request): pass\ndef test_mine(saliency_method): pass\n")
    pytester.makeconftest("def pytest_runtest_protocol(item):\n    return True if 'lost' in item.name else None\n")
    assert quick(GRADCAM, "-p", "no:randomly").ret == pytest.ExitCode.TESTS_FAILED
    told = job.read_text(encoding="utf-8")
    assert "## 🟥 Saliency sanity: 1 of 1 questions passed" in told
    assert "**Not green:** 1 collected tests never reported, the first is test\\_own.py::test\\_lost" in told
    assert ", 1 test of your own;" in told


def test_a_green_run_that_can_not_write_it_is_red_and_says_so(job: Path, quick: Run) -> None:
    job.unlink()
    job.mkdir()
    result = quick(GRADCAM)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    assert "not green: the summary in GITHUB_STEP_SUMMARY was not written: IsADirectoryError" in flat(result)


@pytest.mark.parametrize("arguments", [(), (GRADCAM, "--collect-only")])
def test_nothing_is_written_if_no_method_was_put_to_a_test(
    arguments: tuple[str, ...], job: Path, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile("def test_other(): pass")
    assert pytester.runpytest_inprocess(*arguments).ret == pytest.ExitCode.OK
    assert job.read_text(encoding="utf-8") == "# An earlier step"
