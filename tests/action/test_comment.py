"""The comment on a pull request: cut if it is too long, and never the reason for a red run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.action import Runner

GIVEN = {"NAME": "saliency report", "PULL_REQUEST": "7", "REPOSITORY": "us/ours", "RUN": "https://example.org/run"}


@pytest.fixture
def summary(runner: Runner) -> Path:
    (runner.bin / "jq").write_text("#!/bin/sh\n")  # no comment is ours
    (runner.bin / "jq").chmod(0o755)
    (runner.bin / "comments.json").write_text("[]")
    file = runner.folder / "summary.md"
    file.write_text("## Told\n", encoding="utf-8")
    return file


def body(runner: Runner) -> str:
    posted = json.loads((runner.bin / "calls.jsonl").read_text().splitlines()[-1])
    return str(posted["body"])


def test_a_long_summary_is_cut_between_lines(summary: Path, runner: Runner) -> None:
    summary.write_text("<details>\n" + "| 🟢 passed |\n" * 10_000, encoding="utf-8")
    done = runner.script("comment.sh", SUMMARY=str(summary), **GIVEN)
    assert (done.status, done.printed) == (0, "")
    told = body(runner)
    assert 59_000 < len(told.encode()) < 65_536
    assert set(told.splitlines()[2:-6]) == {"| 🟢 passed |"}
    assert "</details>\n\nThe rest is left out here.\n" in told


def test_the_name_can_not_end_the_marker(summary: Path, runner: Runner) -> None:
    runner.script("comment.sh", SUMMARY=str(summary), **GIVEN | {"NAME": "x --> <b>"})
    assert body(runner).splitlines()[0] == "<!-- pytest-saliency-sanity: x------b- -->"


def test_a_comment_that_is_refused_is_a_warning(summary: Path, runner: Runner) -> None:
    (runner.bin / "refuse").touch()
    done = runner.script("comment.sh", SUMMARY=str(summary), **GIVEN)
    assert done.status == 0
    assert "::warning title=pytest-saliency-sanity::the comment was not written: the job needs" in done.printed


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PULL_REQUEST": ""}, "'' is not the number of a pull request"),
        ({"PULL_REQUEST": "7/../8"}, "'7/../8' is not the number of a pull request"),
        ({"SUMMARY": "missing.md"}, "the run left no summary"),
    ],
)
def test_without_something_to_tell_nothing_is_asked(
    given: dict[str, str], told: str, summary: Path, runner: Runner
) -> None:
    done = runner.script("comment.sh", **{"SUMMARY": str(summary), **GIVEN, **given})
    assert (done.status, told in done.printed) == (0, True)
    assert not (runner.bin / "calls.jsonl").exists()
