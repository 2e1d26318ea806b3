"""actionlint and shellcheck find nothing in the workflows, the action and its scripts; and would find a mistake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.action import ACTION, MERGE, ROOT, SCRIPTS, WORKFLOWS, content

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def found_by(tool: str, *arguments: str | Path, cwd: Path = ROOT) -> str:
    """Return what a linter finds; skip if it is not installed."""
    program = shutil.which(tool, path=PATH)
    if program is None:
        pytest.skip(f"needs {tool}: pip install '.[action]', which downloads it")
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, cwd=cwd, env={**os.environ, "PATH": PATH}
    )
    return done.stdout + done.stderr


def as_workflow(action: Path, folder: Path) -> Path:
    """Write the steps of an action as a job of a workflow, since actionlint looks at the steps of workflows only."""
    read = content(action)
    inputs = {name: {"type": "string"} for name in read["inputs"]}
    job = {"runs-on": "ubuntu-latest", "steps": read["runs"]["steps"]}
    file = folder / ".github" / "workflows" / "it.yml"
    file.parent.mkdir(parents=True)
    file.write_text(
        yaml.safe_dump({"on": {"workflow_call": {"inputs": inputs}}, "jobs": {"it": job}}), encoding="utf-8"
    )
    return file


@pytest.mark.skipif(not WORKFLOWS.exists(), reason="the sdist has no workflows")
def test_the_workflows_are_well_formed() -> None:
    assert found_by("actionlint", "-no-color", *sorted(WORKFLOWS.glob("*.yml"))) == ""


@pytest.mark.parametrize("action", [ACTION, MERGE], ids=["action", "merge"])
def test_the_steps_of_an_action_are_well_formed(action: Path, tmp_path: Path) -> None:
    file = as_workflow(action, tmp_path)
    assert found_by("actionlint", "-no-color", file, cwd=tmp_path) == ""
    file.write_text(file.read_text().replace("outputs.report", "output.report"))
    assert 'property "output" is not defined' in found_by("actionlint", "-no-color", file, cwd=tmp_path)


def test_the_scripts_are_sound(tmp_path: Path) -> None:
    scripts = sorted(SCRIPTS.glob("*.sh"))
    assert len(scripts) == 7
    assert found_by("shellcheck", "--external-sources", f"--source-path={SCRIPTS}", *scripts) == ""
    broken = tmp_path / "broken.sh"
    broken.write_text("#!/bin/bash\nrm $1\n")
    assert "SC2086" in found_by("shellcheck", broken)
