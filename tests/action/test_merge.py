"""The shards' reports are joined into one; what is missing or red is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.action import ACTION, CHEAP, IMAGES, MERGE, Done, Runner

RUN = {**CHEAP, "arguments": IMAGES, "comment": "false"}
PUSH = {"github.event_name": "push"}


def asked(runner: Runner, methods: str, shard: str) -> Path:
    """Ask a shard, and return its report as the artifact that the next job downloads."""
    done = runner.play(ACTION, PUSH, methods=methods, shard=shard, report=f"asked/{shard[0]}", **RUN)
    report, suffix = done.outputs["run"]["report"], done.outputs["run"]["suffix"]
    assert suffix == f"-{shard[0]}-of-{shard[2]}"
    return Path(report).rename(shards_of(runner) / f"saliency-report{suffix}")


def shards_of(runner: Runner) -> Path:
    folder = runner.folder.parent / "saliency-shards"
    folder.mkdir(exist_ok=True)
    return folder


def merged(runner: Runner, shards: int) -> tuple[int, str]:
    runner.summary.unlink(missing_ok=True)
    given = {"runner.temp": str(runner.folder.parent), **PUSH}
    done = runner.play(MERGE, given, shards=str(shards), package="none", report="whole")
    return done.status, done.printed


@pytest.mark.slow
def test_one_shard_is_the_whole_and_is_red_if_it_is(drifted: tuple[Runner, Done], runner: Runner) -> None:
    shutil.copytree(drifted[1].outputs["run"]["report"], shards_of(runner) / "saliency-report-1-of-1")
    status, printed = merged(runner, 1)
    assert status == 1, printed
    assert {"index.html", "results.json", "summary.md"} <= {each.name for each in (runner.folder / "whole").iterdir()}
    assert "## 🟥 Saliency sanity: 0 of 1 questions passed" in runner.summary.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("shards", "told"),
    [("2", "0 of 2 shards left a report"), ("0", "the number of shards is '0'"), ("", "the number of shards is ''")],
)
def test_what_can_not_be_joined_is_told(shards: str, told: str, runner: Runner) -> None:
    done = runner.script("merge.sh", FROM=str(shards_of(runner)), SHARDS=shards, REPORT="whole")
    assert (done.status, told in done.printed) == (2, True)
    assert not (runner.folder / "whole").exists()


@pytest.mark.slow
def test_shards_become_one_report_that_is_as_green_as_they_are(runner: Runner) -> None:
    first = asked(runner, "gradcam\ngradient", "1/2")
    status, printed = merged(runner, 2)
    assert (status, "1 of 2 shards left a report" in printed) == (2, True)
    asked(runner, "gradcam\ngradient", "2/2")
    status, printed = merged(runner, 2)
    assert status == 0, printed
    results = json.loads((runner.folder / "whole" / "results.json").read_text())["results"]
    assert [each["method"] for each in results] == ["gradcam", "gradient"]
    assert "## 🟢 Saliency sanity: 2 of 2 questions passed" in runner.summary.read_text(encoding="utf-8")

    twice = shards_of(runner) / "saliency-report-2-of-2"
    (twice / "results.json").write_bytes((first / "results.json").read_bytes())
    (twice / "maps.npz").unlink()
    status, printed = merged(runner, 2)
    assert (status, "do not make a whole" in printed) == (2, True)


@pytest.mark.slow
def test_a_red_shard_makes_the_whole_red(runner: Runner) -> None:
    for shard in ("1/2", "2/2"):
        asked(runner, "gradcam\nsobel", shard)
    status, printed = merged(runner, 2)
    assert status == 1, printed
    assert "## 🟥 Saliency sanity: 1 of 2 questions passed" in runner.summary.read_text(encoding="utf-8")
