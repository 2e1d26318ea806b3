"""The script that times cascades: contestants do the same work, and what is counted is right. Times are not judged."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ideal import LayerWork, Work, least_work
from peers import by_captum, compared
from stopwatch import Times, in_turns, observed
from support.skips import needs
from workloads import Job, Workload, ours, randomizer_of, small, workload_of

from pytest_saliency_sanity.foundation.randomness import derived_seed

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "performance.py"
CONTESTANTS = ["ours", "ours, judged stages", "Quantus", "captum + scipy"]
STAGES = {"alexnet": 8, "vgg11": 11}


def workload(network: str, method: str) -> Workload:
    return workload_of(small(Job(network, method, 2)))


@pytest.mark.parametrize("method", ["gradcam", "gradient"])
@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_ours_and_a_loop_over_captum_and_scipy_agree_on_the_same_weights(network: str, method: str) -> None:
    job = workload(network, method)
    stages = randomizer_of(job).bind(job.images, derived_seed(0, 0))
    by_peer = compared(job, ((stage.name, stage.model) for stage in stages))
    profile = ours(job)
    assert list(by_peer) == list(profile.stages)
    assert np.isfinite(profile.src).sum() >= STAGES[network]
    np.testing.assert_allclose(profile.src[0], list(by_peer.values()), rtol=0, atol=1e-5, equal_nan=True)


@pytest.mark.slow
@needs("quantus")
@needs("psutil")
@needs("threadpoolctl")
def test_the_small_version_prints_every_column() -> None:
    rows = ("alexnet-gradcam", "alexnet-gradient", "alexnet-smoothgrad", "spearman", "memory")
    run = subprocess.run(
        [sys.executable, SCRIPT, "--small", "--threads", "1", "--rows", *rows],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    tables = [[cells_of(line) for line in block.splitlines()] for block in run.stdout.strip().split("\n\n")[1:]]
    times, limits, passes, peaks, ranks = tables
    assert times[0][:2] == limits[0][:2] == ["cascade", "threads"]
    assert times[0][2:] == [*(f"{name}, s" for name in CONTESTANTS), "Quantus / ours", "captum + scipy / ours"]
    assert limits[0][2:] == ["least work, GFLOP", "GFLOP/s", "ideal, s", "ours, s", "share of the ideal"]
    assert passes[0][1:] == peaks[0][1:] == CONTESTANTS
    assert ranks[0][2:5] == ["ours, s", "ours, original's ranks kept, s", "scipy loop, s"]
    assert [len(table) - 2 for table in tables] == [3, 3, 3, 4, 1]
    for table in tables:
        assert {len(row) for row in table} == {len(table[0])}
    filled = [cell for table in (times, limits, passes, ranks) for row in table for cell in row]
    assert all(filled)
    assert "nan" not in filled


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


@needs("psutil")
@pytest.mark.parametrize("network", STAGES)
def test_the_loop_runs_the_network_once_for_the_original_and_once_for_each_stage(network: str) -> None:
    job = workload(network, "gradcam")
    passes = observed(partial(by_captum, job), job.model, len(job.images), job.device).passes
    assert passes == (STAGES[network] + 1,) * 3


def test_the_least_work_runs_only_what_is_not_as_it_was() -> None:
    # Three layers, so a run of the original and three stages; operations that tell apart what is added up.
    layers = [LayerWork(Work(10**n, 0), Work(10 ** (n + 3), 0), convolution=n < 2) for n in range(3)]
    assert least_work(layers, "gradient").flops == 444_432  # of the lowest layer: the original and the last stage
    assert least_work(layers, "gradcam").flops == 400_432  # backward through what is above the last convolution


def test_each_run_starts_with_another_contestant() -> None:
    order: list[str] = []
    times = in_turns({name: partial(order.append, name) for name in "abc"}, 2, torch.device("cpu"))
    assert "".join(order) == "abcbca"
    assert {len(each.runs) for each in times.values()} == {2}


def test_ratios_are_of_times_of_the_same_run() -> None:
    assert Times((2.0, 6.0, 4.0)).over(Times((1.0, 2.0, 4.0))) == "2 (1 to 3)"
