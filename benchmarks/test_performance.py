"""The cascades of ``performance.py`` on a GPU, beside Quantus and captum, by the GPU's own clock."""

from __future__ import annotations

import pytest
from experiment import Report
from performance import LIMITS, PEAKS, TIMES, all_watched, measured_in_turns
from workloads import JOBS, workload_of

pytestmark = pytest.mark.slow

RUNS = 3


@pytest.mark.saliency_gpu
def test_performance_on_a_gpu(report: Report) -> None:
    """Nothing is asserted of times, which depend on the GPU."""
    pytest.importorskip("quantus")
    measured, peaks = [], []
    for job in JOBS:
        workload = workload_of(job, "cuda")
        peaks.append([str(job), *(f"{each.megabytes:.0f}" for each in all_watched(workload))])
        measured.append(measured_in_turns(workload, RUNS))
    report.table("performance-gpu", TIMES, [each.time_row() for each in measured])
    report.table("performance-gpu-limits", LIMITS, [each.limit_row() for each in measured])
    report.table("performance-gpu-memory", PEAKS, peaks)
