"""The inputs: what a step asks for exists, the workflow hands on all of them, and the page tells what each means."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.action import ACTION, MERGE, ROOT, SCRIPTS, WORKFLOWS, Runner, content, inputs_of

WORKFLOW = WORKFLOWS / "saliency.yml"
PAGE = (ROOT / "docs" / "howto" / "gate-in-ci.md").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
OURS = "pytest-saliency-sanity/pytest-saliency-sanity"
OF_THE_WORKFLOW = {"shards", "runs-on", "timeout-minutes"}
of_a_checkout = pytest.mark.skipif(not WORKFLOW.exists(), reason="the sdist has no workflows")
ACTIONS = pytest.mark.parametrize("file", [ACTION, MERGE], ids=["action", "merge"])


RUN = sorted(each for each in SCRIPTS.glob("*.sh") if each.name != "common.sh")
PLACES = (ACTION, MERGE, WORKFLOWS)


def files_at(place: Path) -> list[Path]:
    """Return a file, or the files of a folder; skip if there is none."""
    files = sorted(place.glob("*.yml")) if place == WORKFLOWS else [place]
    return files or pytest.skip("the sdist has no workflows")


def steps_of(file: Path) -> list[dict[str, Any]]:
    """Return the steps of an action, or of all jobs of a workflow."""
    read = content(file)
    if "runs" in read:
        return list(read["runs"]["steps"])
    return list(chain.from_iterable(job["steps"] for job in read["jobs"].values()))


def named(room: str, text: str) -> set[str]:
    return set(re.findall(rf"\b{room}\.([\w-]+)", text))


@ACTIONS
def test_every_input_is_used_and_every_input_that_is_used_exists(file: Path) -> None:
    assert named("inputs", file.read_text(encoding="utf-8")) == set(inputs_of(file))


@of_a_checkout
def test_the_workflow_hands_on_every_input() -> None:
    given = inputs_of(WORKFLOW)
    assert named("inputs", WORKFLOW.read_text(encoding="utf-8")) == set(given)
    ask, whole = (step for step in steps_of(WORKFLOW) if OURS in step.get("uses", ""))
    assert set(ask["with"]) == set(inputs_of(ACTION)) - {"token"}
    assert set(whole["with"]) == set(inputs_of(MERGE)) - {"token"}
    assert set(given) == set(inputs_of(ACTION)) - {"token", "shard"} | OF_THE_WORKFLOW
    for action in (ACTION, MERGE):
        for name, its in inputs_of(action).items():
            if name in given and "default" in its:
                assert str(given[name]["default"]).lower() == its["default"], name


@ACTIONS
def test_a_script_is_given_what_it_reads(file: Path) -> None:
    """Its own variables are in its head, in capitals; steps hand on exactly these."""
    for step in steps_of(file):
        if script := re.search(r"(\w+\.sh)", step.get("run", "")):
            text = (SCRIPTS / script[1]).read_text(encoding="utf-8")
            read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", text)) - set(re.findall(r"export ([A-Z_]+)=", text))
            runners = {"BASH_SOURCE", "GITHUB_STEP_SUMMARY", "HOME", "PWD", "SALIENCY_SANITY_CACHE_DIR"}
            handed = {name for name in step.get("env", {}) if name != "GH_TOKEN"}
            assert read - runners == handed, script[1]
            assert [name for name in handed if name not in text.partition("set -euo pipefail")[0]] == []


@pytest.mark.parametrize("script", RUN, ids=lambda script: script.stem)
def test_a_script_stops_at_the_first_error(script: Path) -> None:
    code = [line for line in script.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert code[0] == "set -euo pipefail"


@pytest.mark.parametrize("place", PLACES, ids=["action", "merge", "workflows"])
def test_no_expression_stands_in_a_line_of_the_shell(place: Path) -> None:
    lines = [step["run"] for file in files_at(place) for step in steps_of(file) if "run" in step]
    assert lines
    assert [line for line in lines if "${{" in line] == []


@pytest.mark.parametrize("place", PLACES, ids=["action", "merge", "workflows"])
def test_what_others_offer_is_pinned_to_a_major_version(place: Path) -> None:
    used = {step["uses"] for file in files_at(place) for step in steps_of(file) if "uses" in step}
    others = {each for each in used if each != "./" and not each.startswith((f"{OURS}/", f"{OURS}@"))}
    assert others
    assert [each for each in others if not re.fullmatch(r"actions/[\w-]+(/\w+)?@v\d+", each)] == []


@of_a_checkout
def test_the_workflow_and_the_page_name_the_version_of_this_release() -> None:
    tags = re.findall(rf"{OURS}\S*@(\S+)", WORKFLOW.read_text(encoding="utf-8") + PAGE)
    assert len(tags) >= 4
    assert set(tags) == {f"v{VERSION}"}


@ACTIONS
def test_the_page_tells_every_input_with_its_default(file: Path) -> None:
    told = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert set(inputs_of(ACTION)) | OF_THE_WORKFLOW == set(told)
    for name, its in inputs_of(file).items():
        default = its.get("default", "")
        if name not in OF_THE_WORKFLOW:
            assert told[name] == ("the job's" if "${{" in default else f"`{default}`" if default else ""), name


def test_the_examples_of_the_page_give_inputs_that_exist() -> None:
    known = {f"{OURS}@": ACTION, f"{OURS}/action/merge@": MERGE, f"{OURS}/.github/workflows/saliency.yml@": WORKFLOW}
    seen = []
    for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL):
        for job in yaml.safe_load(text).get("jobs", {}).values():
            for call in (*job.get("steps", []), job):
                for start, file in known.items():
                    if call.get("uses", "").startswith(start) and file.exists():
                        assert set(call.get("with", {})) <= set(inputs_of(file))
                        seen.append(file)
    assert set(seen) == {file for file in known.values() if file.exists()}


@of_a_checkout
@pytest.mark.parametrize(("shards", "told"), [("1", "[1]"), ("3", "[1,2,3]"), ("0", ""), ("257", ""), ("1;id", "")])
def test_the_workflow_lists_its_shards(shards: str, told: str, runner: Runner) -> None:
    (step,) = content(WORKFLOW)["jobs"]["list"]["steps"]
    done = runner.run(step["run"], {"SHARDS": shards})
    assert done.outputs[""] == ({"shards": told} if told else {})
    assert done.status == (0 if told else 2)
    assert told or f"::error::shards is '{shards}'" in done.printed
