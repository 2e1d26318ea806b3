"""Ctrl-C and SIGTERM at random moments of a run: it is never green, and no file is half written."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from support.moments import INTERRUPTED

CHECKS = ("label_randomization", "class_sensitivity")
ARGUMENTS = [
    *("saliency-sanity", "-p", "no:randomly", "-p", "no:cacheprovider", "--saliency-method=gradient"),
    *("--saliency-model=alexnet", "--saliency-images=10", *(f"--saliency-check={each}" for each in CHECKS)),
    *("--saliency-report=out", "--saliency-baseline=base.json", "--saliency-update-baseline"),
]
FEW, MANY, IN_ONE = 2, 50, 10
SEED = 7


def moments(seed: int, count: int) -> list[str]:
    """Return so many moments, one in each of as many parts of a run, and signals in turn."""
    drawn = random.Random(seed)
    return [f"{'SIGTERM' if each % 2 else 'SIGINT'}:{(each + drawn.random()) / count:.6f}" for each in range(count)]


def runs(folder: Path, chosen: list[str]) -> Iterator[dict[str, Any]]:
    """Run it, with a signal at each of the chosen moments; yield what is told of each run, the first undisturbed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    command = [sys.executable, "-m", "support.moments", str(folder), *chosen, "--", *ARGUMENTS]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 1 + len(chosen)
    yield from told


def read_csv(file: Path) -> None:
    rows = list(csv.reader(file.read_text().splitlines()))
    assert {len(row) for row in rows} == {len(rows[0])}


def read_picture(file: Path) -> None:
    with Image.open(file) as picture:
        picture.load()


def ends_with(end: str) -> Callable[[Path], None]:
    def read(file: Path) -> None:
        assert file.read_text().endswith(end)

    return read


# How a file is read that is whole, by its suffix. A card ends with its last table, or a sentence.
READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda file: json.loads(file.read_text()),
    ".csv": read_csv,
    ".npz": lambda file: [*np.load(file).values()],
    ".html": ends_with("</html>"),
    ".png": read_picture,
    ".svg": ElementTree.parse,
    ".md": ends_with("\n"),
}


def written(folder: Path) -> dict[str, Path]:
    """Return what a run wrote besides what this test needs, by name."""
    own = ("printed", "lines")
    found = {str(each.relative_to(folder)): each for each in folder.rglob("*") if each.is_file()}
    return {name: file for name, file in found.items() if name not in own}


def require_orderly(told: dict[str, Any], whole: dict[str, Path]) -> None:
    """Fail unless an interrupted run ended as it should. ``whole``: what a run that is not interrupted writes."""
    folder, status = Path(told["folder"]), told["status"]
    printed, files = (folder / "printed").read_text(), written(folder)
    about = f"{told}\n{printed[-3000:]}"
    assert status != 0, about
    assert "INTERNALERROR" not in printed, about
    assert not files.keys() - whole.keys(), about  # no temporary file is left
    for file in files.values():
        READERS[file.suffix](file)
    begun = "test session starts" in printed
    if not begun:
        assert not files, about
        assert status in (INTERRUPTED, pytest.ExitCode.INTERRUPTED, -15), about
        return
    assert status in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED), about
    if files or "collected 2 items" in printed:
        assert "packaged tests: " in printed, about
    if "!! KeyboardInterrupt" not in printed and files.keys() != whole.keys():
        assert "was not written" in printed, about  # it came while a report was written


def interrupt(folder: Path, chosen: list[str]) -> None:
    undisturbed, *disturbed = runs(folder, chosen)
    assert undisturbed["status"] == 0
    whole = written(Path(undisturbed["folder"]))
    assert {"base.json", "out/results.json", "out/index.html", "out/maps.npz"} <= whole.keys()
    assert all(told["lines"] >= told["at"] > 0 for told in disturbed if told["status"] != -15)  # each signal came
    for told in disturbed:
        require_orderly(told, whole)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="runs are forked from one process")
@pytest.mark.parametrize(
    "part",
    [
        pytest.param(range(FEW), marks=pytest.mark.slow, id="few"),
        *(
            pytest.param(range(first, first + IN_ONE), marks=pytest.mark.slow, id=f"{first}-to-{first + IN_ONE - 1}")
            for first in range(0, MANY, IN_ONE)
        ),
    ],
)
def test_a_run_that_is_interrupted_at_any_moment_is_never_green_and_leaves_no_half_of_a_file(
    part: range, tmp_path: Path
) -> None:
    chosen = moments(SEED, FEW if len(part) == FEW else MANY)
    interrupt(tmp_path / "runs", [chosen[each] for each in part])
