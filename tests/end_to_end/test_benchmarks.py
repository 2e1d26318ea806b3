"""The one command that repeats the paper, on the small networks: every table and figure that needs no photographs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
WRITTEN = {
    "environment.md",
    "training-embedded.md",
    *(f"figure-3-{network}.png" for network in ("alexnet", "vgg11")),
    "figure-4.md",
    "figure-4.png",
    "figure-4-readings.md",
    *(f"figure-{number}-digits-{network}.png" for number in (5, 6) for network in ("alexnet", "vgg11")),
    *(f"figure-6-digits-{network}.md" for network in ("alexnet", "vgg11")),
    *(f"figure-7-{network}.png" for network in ("alexnet", "vgg11")),
    "bias-accuracy.md",
}


@pytest.mark.slow
def test_one_command_writes_every_table_and_figure(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks", "-m", "slow", "-rs", f"--experiments={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stdout
    assert {file.name for file in tmp_path.iterdir()} >= WRITTEN
    assert f"tables and figures: {tmp_path}" in run.stdout
    assert "needs photographs: --saliency-data=DIR" in run.stdout
    if not torch.cuda.is_available():
        assert "needs a CUDA device; this machine has none" in run.stdout
    rows = json.loads((tmp_path / "figure-4.json").read_text())
    of = {(row["network"], row["method"], row["maps"]): row["mean SRC"] for row in rows}
    assert len(of) == 8
    for network in ("alexnet", "vgg11"):
        assert abs(of[network, "gradcam", "absolute"]) < 0.2  # the paper: about 0
        assert of[network, "smoothgrad", "absolute"] > 0.3
        assert abs(of[network, "smoothgrad", "signed"]) < 0.1
    readings = json.loads((tmp_path / "figure-4-readings.json").read_text())
    by_reading = {(row["network"], row["what is ranked"]): row["mean SRC"] for row in readings}
    for network in ("alexnet", "vgg11"):
        assert by_reading[network, "SmoothGrad of magnitudes"] > by_reading[network, "SmoothGrad, absolute"] + 0.1
