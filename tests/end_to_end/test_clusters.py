"""Dask with two local workers, and Ray on one node: the same SRCs to the last bit, also if a worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

pytestmark = pytest.mark.slow
# Explains by gradients; notes where it is used and how often it is unpacked; kills its process at the third call, once
# for each file that says so.
METHOD = """
import os
import signal
from pathlib import Path
from uuid import uuid4
from pytest_saliency_sanity import smoothgrad


class Doomed:
    calls = 0

    def __init__(self):
        self.state = "without which nothing is unpacked"

    def __setstate__(self, state):
        note(f"unpacked {os.getpid()} {uuid4()}")

    def __call__(self, model, images, targets):
        if os.environ["MAIN"] != str(os.getpid()):
            note(f"worker {os.getpid()}")
            Doomed.calls += 1
            if Doomed.calls == 3:
                obey()
        return smoothgrad(model, images, targets, n_samples=4)


def note(name):
    Path(os.environ["ORDERS"], name).touch()


def obey():
    for order in Path(os.environ["ORDERS"]).glob("die*"):
        try:
            order.unlink()
        except FileNotFoundError:
            continue  # another worker was told first
        os.kill(os.getpid(), signal.SIGKILL)


method = Doomed()
"""
SCRIPT = """
import os
import sys
import numpy as np

if __name__ == "__main__":
    os.environ["MAIN"] = str(os.getpid())
    import doomed
    from pytest_saliency_sanity import load_batch, src_profile

    profile = src_profile(doomed.method, "alexnet", load_batch("mnist", n=20), seeds=3, parallel=sys.argv[1] or None)
    np.savez(sys.argv[2], src=profile.src, causes=profile.causes)
"""
DASK = """
import sys
import time
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "doomed.py").write_text(dedent(METHOD))
    (tmp_path / "script.py").write_text(dedent(SCRIPT))
    (tmp_path / "cluster.py").write_text(dedent(DASK))
    (tmp_path / "orders").mkdir()
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    kept = {**os.environ, "ORDERS": str(folder / "orders"), "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    return kept | {"MAIN": str(os.getpid())}


def measured(folder: Path, parallel: str) -> dict[str, np.ndarray]:
    """Return the SRCs that a fresh process measures."""
    file = folder / "found.npz"
    command = [sys.executable, "script.py", parallel, str(file)]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True, timeout=500)
    with np.load(file) as found:
        return dict(found)


def noted(folder: Path, what: str) -> list[str]:
    """Return the numbers of the processes that noted something, once for each time."""
    return [path.name.split()[1] for path in (folder / "orders").glob(f"{what} *")]


@pytest.fixture
def dask(folder: Path) -> Iterator[str]:
    pytest.importorskip("distributed", reason="needs distributed: pip install -e '.[clusters]'")
    command = [sys.executable, "cluster.py"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        yield f"dask:{process.stdout.readline().strip()}"
        process.send_signal(signal.SIGTERM)


@pytest.fixture
def ray() -> str:
    pytest.importorskip("ray", reason="needs ray: pip install -e '.[clusters]'")
    return "ray:2"


@pytest.mark.parametrize("cluster", ["dask", "ray"])
def test_a_cluster_gives_the_same_srcs_to_the_last_bit(
    folder: Path, cluster: str, request: pytest.FixtureRequest
) -> None:
    here = measured(folder, "")
    assert not noted(folder, "worker")
    there = measured(folder, request.getfixturevalue(cluster))
    workers = noted(folder, "worker")
    assert len(workers) == 2
    assert sorted(noted(folder, "unpacked")) == sorted(workers)  # the model travels to each once
    for name, values in here.items():
        np.testing.assert_array_equal(there[name], values)


@pytest.mark.parametrize("cluster", ["dask", "ray"])
def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    folder: Path, cluster: str, request: pytest.FixtureRequest
) -> None:
    here = measured(folder, "")
    order = folder / "orders" / "die"
    order.touch()
    there = measured(folder, request.getfixturevalue(cluster))
    assert not order.exists()
    assert len(noted(folder, "worker")) == 3
    for name, values in here.items():
        np.testing.assert_array_equal(there[name], values)
