"""The action's steps, played: pytest runs, the summary is told, and drift from the baseline is red."""

from __future__ import annotations

import re

import pytest
from support.action import ACTION, BASELINE, CHEAP, EVENT, IMAGES, MARKER, Done, Runner
from support.skips import needs_program

Drifted = tuple[Runner, Done]

needs_jq = needs_program("jq")  # the machines of GitHub have it


@needs_jq
def test_drift_from_the_baseline_is_red_and_the_comment_of_an_earlier_run_tells_it(drifted: Drifted) -> None:
    runner, done = drifted
    assert done.status == 1, done.printed
    assert f"Changed since the baseline {BASELINE}:" in done.printed
    assert "secret" not in done.printed
    report = runner.folder / "saliency-report"
    assert done.outputs["run"] == {"report": str(report)}
    assert {"index.html", "results.json", "card-gradcam.md", "summary.md"} <= {each.name for each in report.iterdir()}
    assert "## 🟥 Saliency sanity: 0 of 1 questions passed" in runner.summary.read_text(encoding="utf-8")

    looked, written = runner.calls()
    assert looked["arguments"][2] == "repos/us/ours/issues/7/comments?per_page=100"
    assert written["arguments"][1:4] == ["--method", "PATCH", "repos/us/ours/issues/comments/3"]
    assert written["token"] == "secret"
    first, *_, last = written["body"].splitlines()
    assert (first, last) == (MARKER, "[The run, with its report page](https://github.com/us/ours/actions/runs/42)")
    assert "changed since the baseline" in written["body"]


@pytest.mark.slow
@needs_jq
def test_the_baseline_that_the_action_writes_is_the_one_it_agrees_with(runner: Runner) -> None:
    (runner.bin / "comments.json").write_text("[]")
    for arguments in (f"{IMAGES}\n--saliency-update-baseline", IMAGES):
        given = {"arguments": arguments, "baseline": BASELINE, "methods": "gradcam", **CHEAP}
        done = runner.play(ACTION, EVENT, **given)
        assert done.status == 0, done.printed
        posted = runner.calls()[-1]
        assert posted["arguments"][1:4] == ["--method", "POST", "repos/us/ours/issues/7/comments"]
        assert "## 🟢 Saliency sanity: 1 of 1 questions passed" in posted["body"]
    assert f"baseline {BASELINE}: 1 answer as before, 0 changed" in done.printed
    posts = len(runner.calls())
    assert runner.play(ACTION, {**EVENT, "github.event_name": "push"}, **given).status == 0
    assert len(runner.calls()) == posts


def test_a_baseline_that_does_not_exist_is_said_with_the_command_that_writes_it(runner: Runner) -> None:
    given = {"METHODS": "a b:c\nd", "TESTS": "saliency-sanity", "BASELINE": " missing.json\n", "SHARD": "2/4"}
    done = runner.script("run.sh", **given, REPORT="out")
    assert done.status == 2
    (line,) = done.printed.splitlines()
    assert line.startswith(
        f"::error title=pytest-saliency-sanity::the baseline missing.json does not exist in {runner.folder}. Write it "
        "and commit it, or leave the input baseline empty.%0ATo write it: "
    )
    assert line.endswith(
        r"pytest saliency-sanity --saliency-method=a\ b:c --saliency-method=d --saliency-baseline=missing.json "
        "--saliency-update-baseline"
    )
    assert not (runner.folder / "out").exists()


def test_a_run_that_puts_no_method_to_a_test_is_not_green(runner: Runner) -> None:
    report = runner.folder / "saliency-report"
    report.mkdir()
    (report / "results.json").write_text("of an earlier run")
    (runner.folder / "test_own.py").write_text("def test_own(): pass")
    done = runner.script("run.sh", TESTS=".")
    assert (done.status, "1 passed" in done.printed) == (2, True)
    assert "no saliency method was put to any test: name some with the input methods" in done.printed


def test_what_pytest_refuses_keeps_its_exit_status(runner: Runner) -> None:
    done = runner.script("run.sh", TESTS="saliency-sanity", METHODS="gradcamm")
    assert done.status == 4
    assert "gradcam" in done.printed
    assert not runner.summary.exists()


@pytest.mark.parametrize("text", ["$(touch broken)", "`touch broken`", "'; touch broken; '", '"; touch broken; "'])
def test_nothing_that_is_given_is_run_by_the_shell(text: str, runner: Runner) -> None:
    done = runner.script("run.sh", METHODS=text, BASELINE=text, REPORT=text, SHARD=text)
    assert (done.status, "does not exist in" in done.printed) == (2, True)
    assert list(runner.folder.iterdir()) == []


def test_an_output_has_one_line(runner: Runner) -> None:
    done = runner.script("run.sh", METHODS="gradcam", REPORT="out\nsuffix=other")
    assert done.status == 2
    assert re.search("::error.*report has more than one line: '.*out%0Asuffix=other'", done.printed)
    assert done.outputs[""] == {}


def test_the_cache_is_saved_if_a_network_was_trained(runner: Runner) -> None:
    runner.networks.mkdir()
    held = []
    for name in (
        "",
        ".half.safetensors",
        "alexnet-true-01.lock",
        "alexnet-true-01.safetensors",
        "vgg11-true-01.safetensors",
    ):
        (runner.networks / name).touch()
        held.append(runner.script("held.sh", NETWORKS=str(runner.networks)).outputs[""]["held"])
    assert held[:3] == ["", "", ""]
    assert len(set(held)) == 3


def test_the_folders_to_cache_and_what_is_to_be_installed_are_told(runner: Runner) -> None:
    told = [runner.script("folders.sh", REQUIREMENTS=each).outputs[""] for each in ("captum", "captum\nzennit")]
    assert [each["networks"] for each in told] == [str(runner.networks)] * 2
    assert told[0]["wanted"] != told[1]["wanted"]


def test_a_network_is_looked_for_in_the_cached_folder(runner: Runner) -> None:
    said = "import os\ndef pytest_report_header(): return f\"networks in {os.environ['SALIENCY_SANITY_CACHE_DIR']}\"\n"
    (runner.folder / "conftest.py").write_text(said)
    assert "networks in /elsewhere\n" in runner.script("run.sh", TESTS=".", NETWORKS="/elsewhere").printed
