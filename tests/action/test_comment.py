"""The comment on a pull request: cut if it is too long, and never the reason for a red run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.action import MARKER, Runner
from support.skips import needs_program

needs_jq = needs_program("jq")

REPORT = {"NAME": "saliency-report", "PULL_REQUEST": "7", "REPOSITORY": "us/ours", "RUN": "https://example.org/run"}
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
    return str(runner.calls()[-1]["body"])


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
    assert "::warning title=pytest-saliency-sanity::the comment was not written (HTTP 403: Resource" in done.printed
    assert "): the job needs gh, and 'permissions: pull-requests: write'" in done.printed


def with_comments(runner: Runner, *comments: tuple[str, str, str]) -> None:
    """Let the pull request have comments: of a type of user, with a login and a text. They are numbered from 1."""
    (runner.bin / "jq").unlink()
    users = [({"type": kind, "login": login}, body) for kind, login, body in comments]
    told = [{"id": number, "user": user, "body": body} for number, (user, body) in enumerate(users, 1)]
    (runner.bin / "comments.json").write_text(json.dumps(told))


@needs_jq
def test_a_token_of_a_person_finds_their_own_comment(summary: Path, runner: Runner) -> None:
    with_comments(runner, ("User", "other", MARKER), ("Bot", "bot", MARKER), ("User", "me", MARKER))
    (runner.bin / "login").write_text("me")
    assert runner.script("comment.sh", SUMMARY=str(summary), **REPORT).status == 0
    assert runner.calls()[-1]["arguments"][1:4] == ["--method", "PATCH", "repos/us/ours/issues/comments/3"]


@needs_jq
def test_without_a_summary_the_comment_of_an_earlier_run_is_not_left_as_it_was(summary: Path, runner: Runner) -> None:
    with_comments(runner, ("Bot", "bot", f"{MARKER}\n## 🟢 Saliency sanity: 1 of 1 questions passed"))
    summary.unlink()
    done = runner.script("comment.sh", SUMMARY=str(summary), **REPORT)
    assert (done.status, "the run left no summary" in done.printed) == (0, True)
    assert runner.calls()[-1]["arguments"][1:4] == ["--method", "PATCH", "repos/us/ours/issues/comments/1"]
    assert "🟥 Saliency sanity: the last run left no summary" in body(runner)
    with_no_comment = json.dumps([])
    (runner.bin / "comments.json").write_text(with_no_comment)
    before = len(runner.calls())
    assert runner.script("comment.sh", SUMMARY=str(summary), **REPORT).status == 0
    assert len(runner.calls()) == before + 1  # it has looked for one, no more


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PULL_REQUEST": ""}, "'' is not the number of a pull request"),
        ({"PULL_REQUEST": "7/../8"}, "'7/../8' is not the number of a pull request"),
    ],
)
def test_without_something_to_tell_nothing_is_asked(
    given: dict[str, str], told: str, summary: Path, runner: Runner
) -> None:
    done = runner.script("comment.sh", **{"SUMMARY": str(summary), **GIVEN, **given})
    assert (done.status, told in done.printed) == (0, True)
    assert not (runner.bin / "calls.jsonl").exists()
