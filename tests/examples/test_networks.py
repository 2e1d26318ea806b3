"""Each example of a network runs as the page about them says, and no file is missing there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tables
from support.skips import needs

EXAMPLES = tables.ROOT / "examples" / "networks"
PAGE = (tables.ROOT / "docs" / "howto" / "own-network.md").read_text()
GRADIENT, GRADCAM = "gradient", "gradcam"
TRANSFORMER = "test_vision_transformer"
# The methods that each file is run with.
RUNS = {
    "test_one_channel": [GRADIENT],
    "test_single_logit": [GRADIENT],
    "test_half_precision": [GRADIENT],
    "test_dictionary": [GRADIENT],
    "test_segmentation": [GRADIENT],
    "test_torchvision": [GRADIENT],
    TRANSFORMER: [GRADIENT, f"{TRANSFORMER}:token_cam", f"{TRANSFORMER}:attention"],
    "test_detector": [GRADCAM],
    "test_hugging_face": [GRADCAM],
    "test_large_network": [GRADCAM],
}
# Attention is that of the whole network, whatever class is asked about, and goes from token to token with any weights.
FAILS = {
    (TRANSFORMER, f"{TRANSFORMER}:attention"): [
        "cascading_randomization[independent]",
        "cascading_randomization[top_down]",
        "class_sensitivity",
    ],
}
# What is to be installed beside torchvision.
PACKAGES = {"test_hugging_face": ("transformers", "datasets"), "test_torchvision": ("timm",)}
# What nothing supplies there, and the contract of what explains a vision transformer only.
SKIPPED = {"label_randomization", "bias_detection", "localization"}
ANSWERS = {"passed": r"(\d+) passed", "xfailed": r"(\d+) finding", "failed": r"\*\*(\d+) failed\*\*"}


def test_the_page_lists_the_examples_that_there_are() -> None:
    found = {path.name for path in EXAMPLES.glob("test_*.py")}
    assert set(re.findall(r"^\| `(test_\w+\.py)` \|", PAGE, re.MULTILINE)) == found == {f"{each}.py" for each in RUNS}


def run(folder: Path, name: str, method: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run an example in a copy of its folder, as a reader would."""
    shutil.copytree(EXAMPLES, folder / "networks", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pytest", f"{name}.py", f"--saliency-method={method}", "-p", "no:randomly", *more]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    return subprocess.run(command, cwd=folder / "networks", capture_output=True, text=True, env=environment)


@pytest.mark.slow
@needs("torchvision")
@pytest.mark.parametrize(
    ("name", "method"),
    [
        pytest.param(name, method, marks=[needs(package) for package in PACKAGES.get(name, ())])
        for name, methods in RUNS.items()
        for method in methods
    ],
)
def test_an_example_is_judged(name: str, method: str, tmp_path: Path) -> None:
    done = run(tmp_path, name, method)
    shown = done.stdout + done.stderr
    assert re.search(r"^packaged tests: (\d+) planned, \1 ran", done.stdout, re.MULTILINE), shown
    assert "failed without a verdict" not in shown, shown
    failed = sorted(set(re.findall(r"^  failed: (\S+)$", done.stdout, re.MULTILINE)))
    assert failed == FAILS.get((name, method), []), shown
    assert done.returncode == (1 if failed else 0), shown
    special = {"contract"} if ":" in method else set()
    assert set(re.findall(r"^skipped: (\w+) of ", done.stdout, re.MULTILINE)) == SKIPPED | special, shown
    (counts,) = re.findall(r"^packaged tests: .* ran: (.*)$", done.stdout, re.MULTILINE)
    (answers,) = re.findall(rf"^\| `{name}\.py` \| `{method}` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    for outcome, told in ANSWERS.items():
        assert re.findall(rf"(\d+) {outcome}", counts) == re.findall(told, answers), (counts, answers)
