"""What a worker of pytest-xdist takes of the machine: its share of the threads, and a GPU in turn."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping

import pytest

THREADS = "OMP_NUM_THREADS"  # read by the libraries below torch when they are loaded


def take_share(config: pytest.Config) -> None:
    """Let a worker use its share of the cores, unless the user says how many threads there are to be.

    Otherwise, each worker would use all cores, and threads that wait for each other take several times as long.
    """
    worker: Mapping[str, object] | None = getattr(config, "workerinput", None)
    if worker is None or os.environ.get(THREADS):
        return
    share = max(1, cores() // max(1, int(str(worker.get("workercount", 1)))))
    os.environ[THREADS] = str(share)
    if "torch" in sys.modules:  # a conftest imported it, so that it has read the variable already
        import torch

        torch.set_num_threads(min(share, torch.get_num_threads()))


def turn_of(config: pytest.Config) -> int:
    """Return the place of a worker among all, from 0; 0 in a process of its own."""
    worker: Mapping[str, object] = getattr(config, "workerinput", {})
    found = re.search(r"\d+$", str(worker.get("workerid", "")))
    return int(found[0]) if found else 0


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
