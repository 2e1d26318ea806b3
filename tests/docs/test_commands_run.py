"""The commands of this package that README and docs show are run, page by page, where there is what they name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
import tables
from support.commands import lines_of, write_project
from support.skips import needs, needs_program

from pytest_saliency_sanity.methods.registry import CONTROLS

# So that each takes seconds, the project asks two questions only.
SETTINGS = """
[tool.pytest.ini_options]
saliency_check = ["class_sensitivity", "repeatability"]
"""
# Run elsewhere: the two that a fresh clone begins with by .ci/run, the tutorial's by test_pages.py, those of a cluster
# by end_to_end/test_clusters.py. The preset imagenet needs weights from the internet, and the preset paper hours of
# training; end_to_end/test_presets.py has stand-ins for both. Those of CONTRIBUTING.md run this very suite.
ELSEWHERE = ("pytest -n 2", "--saliency-parallel=dask", "--saliency-parallel=ray", "=imagenet", "paper")
MUST_FAIL = {*CONTROLS, "guided_backprop"}
LONGEST = 900  # seconds
PAGES = [page for page in tables.PAGES if page.stem != "tutorial"]
OURS = ("pytest ", "python -m pytest ", "python -m pytest_saliency_sanity ")


def commands(page: Path) -> list[str]:
    """Return the commands of a page that are run here, as a shell takes them."""
    found = [command for command in lines_of(page) if not any(each in command for each in ELSEWHERE)]
    ours = [command.replace("=...", "=gradcam") for command in found if command.startswith(OURS)]
    return list(chain.from_iterable(map(shards, dict.fromkeys(ours))))


def shards(command: str) -> list[str]:
    """Return the command for each shard, where the page says "and 2/3, 3/3 elsewhere"."""
    if "=1/3" not in command:
        return [command]
    return [command.replace("=1/3", f"={number}/3").replace("report-1", f"report-{number}") for number in (1, 2, 3)]


@pytest.mark.slow
@needs("captum")
@needs_program("bash")
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    for command in commands(page):
        ran = subprocess.run(
            ["bash", "-c", with_this_python(command)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        # Among the built-in methods are those that must fail, and each shard has one.
        failed = set(re.findall(r"^(?:FAILED|ERROR) saliency-sanity::([a-z_]+)", ran.stdout, re.MULTILINE))
        assert failed <= MUST_FAIL, f"{command}\n{ran.stdout}{ran.stderr}"
        assert (ran.returncode, bool(failed)) == (("--saliency-method=all" in command),) * 2, ran.stdout + ran.stderr


def with_this_python(command: str) -> str:
    """Return a command that the interpreter of this run executes."""
    return shlex.join([sys.executable]) + (
        command.removeprefix("python") if command.startswith("python ") else f" -m {command}"
    )
