"""What the experiments share: at what size they are run, and where their tables and figures go.

pytest benchmarks -m slow [--experiments=DIR] [--saliency-device=cuda] [--saliency-preset=paper]
                          [--saliency-data=PHOTOGRAPHS] [--saliency-weights=alexnet=FILE]
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_saliency_sanity.networks.presets.protocol import PresetNetworks
from pytest_saliency_sanity.networks.presets.registry import open_preset
from pytest_saliency_sanity.plugin.settings import Settings


@dataclass(frozen=True)
class Size:
    """How large the experiments are.

    ``draws``: of random weights; ``stages``: how many of a long cascade are shown; ``samples``: SmoothGrad's n, and
    ``cascade_samples`` that of the cascades, which explain everything anew at each stage of each draw.
    """

    preset: PresetNetworks
    digits: int
    draws: int
    stages: int
    samples: int
    cascade_samples: int


@dataclass(frozen=True)
class Report:
    """The folder that the experiments write to."""

    folder: Path

    def table(self, name: str, heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write a table as Markdown, and its values as JSON."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in (heading, ["---"] * len(heading), *rows)]
        (self.folder / f"{name}.md").write_text("\n".join(lines) + "\n")
        records = [dict(zip(heading, row, strict=True)) for row in rows]
        (self.folder / f"{name}.json").write_text(json.dumps(records, indent=1) + "\n")

    def figure(self, name: str) -> Path:
        """Return the file of a figure."""
        return self.folder / f"{name}.png"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says where the tables and figures go."""
    parser.addoption(
        "--experiments",
        type=Path,
        metavar="DIR",
        help="where the experiments write their tables and figures (default: a temporary folder, which is printed)",
    )


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


@pytest.fixture(autouse=True)
def gpu_where_one_is_needed(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("saliency_gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device; this machine has none")


@pytest.fixture(scope="session")
def size(saliency_settings: Settings, saliency_device: torch.device) -> Size:
    """The paper's own size on a GPU, or where its preset is asked for by name; else one for two cores."""
    given = saliency_settings.preset_name
    full = given == "paper" or (saliency_device.type == "cuda" and not saliency_settings.asked_for("preset"))
    preset = open_preset("paper", cache_dir=saliency_settings.cache_dir) if full else open_preset("embedded")
    # The paper looks at 100 digits and 20 photographs, at SmoothGrad with n = 20, and once at each.
    if saliency_device.type == "cuda":
        return Size(preset, digits=100, draws=8, stages=1000, samples=20, cascade_samples=20)
    return Size(preset, digits=100, draws=4, stages=12, samples=20, cascade_samples=8)


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The folder of ``--experiments``, or a temporary one, which is printed."""
    report = Report(pytestconfig.getoption("experiments") or tmp_path_factory.mktemp("experiments"))
    report.table(
        "environment",
        ("what", "value"),
        [
            ("Python", platform.python_version()),
            ("PyTorch", torch.__version__),
            ("threads", torch.get_num_threads()),
            ("CUDA", torch.cuda.get_device_name() if torch.cuda.is_available() else "none"),
        ],
    )
    FOLDERS.append(report.folder)
    return report


FOLDERS: list[Path] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the tables and figures are."""
    for folder in FOLDERS:
        terminalreporter.line(f"tables and figures: {folder}")
