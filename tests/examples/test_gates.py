"""The gates of five libraries are complete, and green under two versions of each; the findings' examples are right."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tables
from support.builds import skip_without_registry
from support.skips import needs

import pytest_saliency_sanity

GATES = tables.ROOT / "examples" / "gates"
README, FINDINGS = (GATES / "README.md").read_text(), (GATES / "FINDINGS.md").read_text()
FILES = {
    "conftest.py",
    "test_saliency.py",
    "pyproject.toml",
    "saliency-baseline.json",
    ".github/workflows/saliency.yml",
}
# By folder: the distribution, what is imported, and the released versions, the newest first.
LIBRARIES = {
    "captum": ("captum", "captum", ("0.9.0", "0.8.0")),
    "pytorch-grad-cam": ("grad-cam", "pytorch_grad_cam", ("1.5.7", "1.5.5")),
    "torch-cam": ("torchcam", "torchcam", ("0.5.0", "0.4.1")),
    "zennit": ("zennit", "zennit", ("0.5.1", "0.5.0")),
    "shap": ("shap", "shap", ("0.51.0", "0.50.0")),
}
NEEDED = {folder: needs(module) for folder, (_, module, _) in LIBRARIES.items()}
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", FINDINGS, re.DOTALL)
Environment = Callable[[str, str], Path]


def settings_of(folder: str) -> dict[str, Any]:
    """Return what a gate sets for pytest."""
    read: dict[str, Any] = tomllib.loads((GATES / folder / "pyproject.toml").read_text())["tool"]["pytest"][
        "ini_options"
    ]
    return read


def methods_of(folder: str) -> list[str]:
    """Return the names that a gate's hook gives to methods, without importing the library."""
    tree = ast.parse((GATES / folder / "conftest.py").read_text())
    hooks = [each for each in tree.body if getattr(each, "name", "") == "pytest_saliency_methods"]
    dictionaries = [each for hook in hooks for each in ast.walk(hook) if isinstance(each, ast.Dict)]
    return [str(key.value) for each in dictionaries for key in each.keys if isinstance(key, ast.Constant)]


def answers_of(folder: str) -> list[dict[str, Any]]:
    """Return the answers of a gate's baseline."""
    answers: list[dict[str, Any]] = json.loads((GATES / folder / "saliency-baseline.json").read_text())["answers"]
    return answers


def test_there_is_a_gate_for_each_library() -> None:
    assert {each.name for each in GATES.iterdir() if each.is_dir()} == set(LIBRARIES)


@pytest.mark.parametrize("folder", LIBRARIES)
def test_a_gate_is_complete(folder: str) -> None:
    gate = GATES / folder
    assert {path.relative_to(gate).as_posix() for path in gate.rglob("*") if path.suffix != ".pyc"} >= FILES
    settings = settings_of(folder)
    assert settings["saliency_method"] == methods_of(folder)
    assert {each["method"] for each in answers_of(folder)} == set(methods_of(folder))
    assert settings["filterwarnings"][0] == "error"
    assert {"--strict-markers", "--strict-config"} <= set(settings["addopts"])
    assert (gate / settings["saliency_baseline"]).is_file()
    assert "from pytest_saliency_sanity.suite import *" in (gate / "test_saliency.py").read_text()


@pytest.mark.parametrize("folder", LIBRARIES)
def test_each_expected_failure_is_an_answer_of_the_baseline_with_a_reason_and_a_finding(folder: str) -> None:
    red = {
        f"{each['method']}/{each['model']}/{each['check']}": each["verdict"]
        for each in answers_of(folder)
        if each["verdict"] != "passed"
    }
    for entry in settings_of(folder)["saliency_expected_failures"]:
        name, arrow, reason = entry.partition(" -> ")
        assert arrow
        assert reason.strip()
        pattern = name.replace("[", "[[]")
        assert [verdict for each, verdict in red.items() if fnmatchcase(each, pattern)] == ["failed"], name
        assert name.split("/")[0] in FINDINGS, name
        assert name.split("/")[0] in README, name


@pytest.mark.parametrize("folder", LIBRARIES)
def test_a_workflow_calls_this_version_of_the_action_with_the_files_of_the_gate(folder: str) -> None:
    yaml = pytest.importorskip("yaml")
    (job,) = yaml.safe_load((GATES / folder / ".github/workflows/saliency.yml").read_text())["jobs"].values()
    (step,) = [each for each in job["steps"] if "pytest-saliency-sanity" in each["uses"]]
    version = tomllib.loads((tables.ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert step["uses"] == f"pytest-saliency-sanity/pytest-saliency-sanity@v{version}"
    assert set(step["with"]) <= set(yaml.safe_load((tables.ROOT / "action.yml").read_text())["inputs"])
    assert (step["with"]["tests"], step["with"]["baseline"]) == ("test_saliency.py", "saliency-baseline.json")


@pytest.mark.parametrize("folder", LIBRARIES)
def test_the_table_of_runs_has_both_versions(folder: str) -> None:
    distribution, _, versions = LIBRARIES[folder]
    rows = [line for line in README.splitlines() if line.startswith(f"| [{folder}]({folder}) | {distribution} ")]
    assert [version for version in versions if any(f" {version} |" in row for row in rows)] == [*versions]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return a function that makes the environment of a distribution's version once, and returns its Python."""

    @cache
    def made(distribution: str, version: str) -> Path:
        return make(tmp_path_factory.mktemp("environment"), distribution, version)

    return made


def make(folder: Path, distribution: str, version: str) -> Path:
    """Make an environment of one distribution, and else what this interpreter has; return its Python."""
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", str(site)]
    done = subprocess.run([*install, f"{distribution}=={version}"], capture_output=True, text=True)
    skip_without_registry(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    # Its own folder comes first on the path; site.addsitedir also follows the .pth files of editable installs.
    inherited = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    lines = [f"import site; site.addsitedir({each!r})" for each in sorted(inherited)]
    package = Path(pytest_saliency_sanity.__file__).parents[1]
    (site / "inherited.pth").write_text("\n".join([str(package), *lines, ""]))
    return python


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without the settings of this run of pytest."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run([str(python), *arguments], cwd=folder, capture_output=True, text=True, env=variables)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize(
    ("folder", "version"),
    [
        pytest.param(folder, version, marks=NEEDED[folder])
        for folder, (_, _, versions) in LIBRARIES.items()
        for version in versions
    ],
)
def test_a_gate_is_green(folder: str, version: str, workers: str, environment: Environment, tmp_path: Path) -> None:
    distribution, module, _ = LIBRARIES[folder]
    python = environment(distribution, version)
    gate = shutil.copytree(GATES / folder, tmp_path / "gate", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        f"from importlib.metadata import version; import {module}; print(version({distribution!r}), {module}.__file__)"
    )
    installed = run(python, gate, "-c", code).stdout.split()
    assert installed[0] == version
    assert str(python.parents[1]) in installed[1]

    done = run(python, gate, "-m", "pytest", "-p", "no:randomly", "-n", workers)
    shown = " ".join(done.stdout.split())
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"packaged tests: (\d+) planned, \1 ran", shown), done.stdout
    assert f"{len(answers_of(folder))} answers as before" in shown, done.stdout
    for entry in settings_of(folder)["saliency_expected_failures"]:
        assert f"(expected: {entry.partition(' -> ')[2]}" in shown, done.stdout


def library_of(code: str) -> str:
    """Return the folder of the library that an example imports."""
    (found,) = [
        each for each, (_, module, _) in LIBRARIES.items() if re.search(rf"^(from|import) {module}\b", code, re.M)
    ]
    return found


def test_there_is_an_example_for_each_finding() -> None:
    assert len(EXAMPLES) == len(re.findall(r"^## \d", FINDINGS, re.MULTILINE))
    assert {library_of(code) for code, _ in EXAMPLES} == set(LIBRARIES)


@pytest.mark.slow
@pytest.mark.parametrize("newest", [True, False], ids=["newest", "older"])
@pytest.mark.parametrize(
    ("code", "printed"),
    [pytest.param(*each, marks=NEEDED[library_of(each[0])], id=f"{n}") for n, each in enumerate(EXAMPLES, 1)],
)
def test_an_example_of_the_findings_prints_what_it_says(
    code: str, printed: str, newest: bool, environment: Environment, tmp_path: Path
) -> None:
    distribution, _, versions = LIBRARIES[library_of(code)]
    version = versions[0] if newest else versions[-1]
    python = environment(distribution, version)
    done = run(python, tmp_path, "-c", code)
    assert done.stdout == printed, done.stderr
