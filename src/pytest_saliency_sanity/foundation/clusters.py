"""Starts, or connects to, the processes that measuring is spread to, and sends them what all their jobs share."""

from __future__ import annotations

import hashlib
import pickle
from collections import OrderedDict
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from .backends import DASK, RAY, Backend
from .errors import described

KEPT = 2  # of what was sent to a process: so many are kept there
MOST_DEATHS = 3  # of processes, until the work is given up: then it is the work that kills them
PATIENCE = 10  # seconds, until a scheduler must have answered


class Sent(NamedTuple):
    """What a job is given in place of what all share: a name, and the bytes, or their place in Ray's store."""

    key: str
    content: Any


@dataclass(frozen=True)
class Cluster:
    """Processes that are ready.

    ``deaths``: the errors that say that one died. ``streams``: whether outcomes come as soon as they are there.
    """

    backend: Backend
    processes: int
    deaths: tuple[type[BaseException], ...]
    streams: bool = True

    def send(self, shared: object) -> tuple[Sent, Any]:
        """Return what to give to jobs in place of what all share, and joblib's ``Parallel``, which sends it once.

        Raises ValueError, with what to do, if it can't be sent.
        """
        content = packed(shared)
        # joblib writes a large array to a file that processes of this machine share.
        key, array = hashlib.sha256(content).hexdigest(), np.frombuffer(content, dtype=np.uint8)
        if self.backend.name == RAY:
            import ray

            return Sent(key, ray.put(array)), _kept_parallel(self)
        how = {"scatter": [array]} if self.backend.name == DASK else {}
        return Sent(key, array), self.parallel(**how)

    def parallel(self, **how: Any) -> Any:
        """Return joblib's ``Parallel`` for these processes."""
        from joblib import Parallel, parallel_config

        with parallel_config(self.backend.name, n_jobs=self.processes, **how):
            return Parallel(return_as="generator" if self.streams else "list", batch_size=1)


@cache
def _kept_parallel(cluster: Cluster) -> Any:
    """Return a ``Parallel`` whose processes are not started anew for each use. Those that die are, by Ray."""
    again = {"max_restarts": MOST_DEATHS, "max_task_retries": MOST_DEATHS}
    return cluster.parallel(ray_remote_args=again).__enter__()


_received: OrderedDict[str, Any] = OrderedDict()


def received(sent: Sent) -> Any:
    """Return, in a process that works, what was sent: unpacked for the first job that asks for it."""
    if sent.key not in _received:
        while len(_received) >= KEPT:
            _received.popitem(last=False)
        content = sent.content
        if not isinstance(content, np.ndarray):
            import ray

            content = ray.get(content)
        _received[sent.key] = unpacked(content.tobytes())
    _received.move_to_end(sent.key)
    return _received[sent.key]


def packed(shared: object) -> bytes:
    """Return an object as bytes, for another process of this run. Raises ValueError if it can't be packed."""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(shared))
    except (TypeError, AttributeError, NotImplementedError, RuntimeError, ValueError, pickle.PicklingError) as error:
        raise ValueError(
            f"the method or the network can't be sent to another process ({described(error)}): leave out "
            "--saliency-parallel"
        ) from error


def unpacked(content: bytes) -> Any:
    """Return the object of bytes that ``packed`` returned in this run. Raises ValueError if its code is missing here.

    Only what processes of one run send each other is unpacked, never what was stored.
    """
    try:
        return pickle.loads(content)
    except ImportError as error:
        raise ValueError(
            f"a process that the work was spread to lacks the code of the method or the network ({described(error)}): "
            "install it there, in the same version"
        ) from error


@cache
def opened(backend: Backend) -> Cluster:
    """Return the processes of a backend, started or connected to once.

    Raises ImportError if a package is missing, ValueError if the cluster can't be reached or has no workers.
    """
    backend.require_installed()
    if backend.name == DASK:
        return _dask(backend)
    if backend.name == RAY:
        return _ray(backend)
    assert backend.processes
    return Cluster(backend, backend.processes, (BrokenExecutor,))


def _dask(backend: Backend) -> Cluster:
    from distributed import Client, KilledWorker

    start = "start it with dask scheduler, and workers with dask worker ADDRESS --nthreads 1"
    try:
        client = Client(backend.address, timeout=PATIENCE, set_as_default=True)
        processes = sum(client.nthreads().values())
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{backend}: no Dask scheduler answers there ({described(error)}): {start}") from error
    if not processes:
        raise ValueError(f"{backend}: the cluster has no workers: {start}")
    return Cluster(backend, processes, (KilledWorker,))


def _ray(backend: Backend) -> Cluster:
    import ray
    from ray.exceptions import RayActorError, WorkerCrashedError
    from ray.util.joblib import register_ray

    if not ray.is_initialized():
        ray.init(log_to_driver=False, include_dashboard=False, num_cpus=backend.processes)
    register_ray()
    processes = backend.processes or int(ray.cluster_resources().get("CPU", 1))
    return Cluster(backend, processes, (RayActorError, WorkerCrashedError), streams=False)
