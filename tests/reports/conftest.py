"""Reports of real runs, each made once for all tests that look at them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHOSEN = (
    *("--saliency-method=gradient", "--saliency-method=sobel", "--saliency-model=alexnet", "--saliency-images=10"),
    "--saliency-check=label_randomization",
    "--saliency-check=cascading_randomization[top_down]",
    "--saliency-check=bias_detection",
)
# One method whose every call raises, and a fixture that skips.
RAISING = """
def raising(model, images, targets):
    raise ValueError("boom <b>|\\nand more")
"""
SKIPPING = """
import pytest

@pytest.fixture
def saliency_bias_scenario():
    pytest.skip("no scenario here")
"""
UNANSWERED = (
    *("--saliency-method=mine:raising", "--saliency-model=alexnet", "--saliency-check=repeatability"),
    *("--saliency-check=bias_detection", "--saliency-check=contract"),
)


def reported_by(folder: Path, *arguments: str) -> Path:
    """Run pytest in a folder, in a process of its own, and return the folder of its reports."""
    options = ("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--saliency-report=out")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "not green: the report" not in done.stdout
    return folder / "out"


def results_in(folder: Path) -> dict[str, Any]:
    """Return what a folder has as ``results.json``."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run of two methods, one of which fails: all that is written."""
    return reported_by(tmp_path_factory.mktemp("run"), *CHOSEN)


@pytest.fixture(scope="session")
def reported_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same from a run with two workers."""
    return reported_by(tmp_path_factory.mktemp("workers"), *CHOSEN, "-n", "2")


@pytest.fixture(scope="session")
def reported_without_answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of a run of a method that raises: one question fails, one is skipped, one is not asked."""
    folder = tmp_path_factory.mktemp("unanswered")
    (folder / "mine.py").write_text(RAISING)
    (folder / "conftest.py").write_text(SKIPPING)
    return reported_by(folder, *UNANSWERED)


@pytest.fixture(scope="session")
def results(reported: Path) -> dict[str, Any]:
    """The ``results.json`` of the run."""
    return results_in(reported)
