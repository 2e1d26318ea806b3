"""Reports of real runs, each made once for all tests that look at them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

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
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a run of that name, unless another worker of this session has made it, and returns its reports."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def reports_of(name: str, *arguments: str, **files: str) -> Path:
        folder = shared / f"reported-{name}"
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                made = folder.with_suffix(".part")
                made.mkdir()
                for stem, text in files.items():
                    (made / f"{stem}.py").write_text(text)
                reported_by(made, *arguments)
                made.rename(folder)
        return folder / "out"

    return reports_of


@pytest.fixture(scope="session")
def reported(once: Callable[..., Path]) -> Path:
    """The reports of a run of two methods, one of which fails: all that is written."""
    return once("alone", *CHOSEN)


@pytest.fixture(scope="session")
def reported_by_workers(once: Callable[..., Path]) -> Path:
    """The same from a run with two workers."""
    return once("workers", *CHOSEN, "-n", "2")


@pytest.fixture(scope="session")
def reported_without_answers(once: Callable[..., Path]) -> Path:
    """The reports of a run of a method that raises: one question fails, one is skipped, one is not asked."""
    return once("unanswered", *UNANSWERED, mine=RAISING, conftest=SKIPPING)


@pytest.fixture(scope="session")
def results(reported: Path) -> dict[str, Any]:
    """The ``results.json`` of the run."""
    return results_in(reported)
