"""Calls a function for many jobs: one after the other, or spread over processes and machines by joblib.

    with spread_over(parse_backend("loky:4")):
        for outcome in mapped(measure, measurement, jobs):
            ...

``measurement`` is what all jobs share. It is sent once to each process that works, which may be on another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from threading import Lock
from typing import NamedTuple, TypeVar

import torch

from .backends import Backend
from .clusters import MOST_DEATHS, Cluster, Sent, opened, received
from .errors import described
from .inference import most_rows, rows_at_a_time
from .threads import threads

Shared = TypeVar("Shared")
Job = TypeVar("Job")
Outcome = TypeVar("Outcome")

AT_A_TIME = 4  # jobs for each process, if outcomes come all at once

_backend: ContextVar[Backend | None] = ContextVar("where work is spread to", default=None)
_one_at_a_time = Lock()
_calls = count()


class WorkersLostError(RuntimeError):
    """Processes that work was spread to died again and again."""


class Circumstances(NamedTuple):
    """What the numbers depend on besides the work: threads, and how many images go through a model in one pass."""

    threads: int
    rows: int | None


@contextmanager
def spread_over(backend: Backend | None) -> Iterator[None]:
    """Spread work over a backend within the context; None: do it here, one job after the other."""
    token = _backend.set(backend)
    try:
        yield
    finally:
        _backend.reset(token)


def workers() -> int:
    """Return how many processes work at the same time; 1 if the work is done here."""
    backend = _backend.get()
    return 1 if backend is None else opened(backend).processes


def is_spread() -> bool:
    """Return whether work is done by other processes."""
    return _backend.get() is not None


def mapped(function: Callable[[Shared, Job], Outcome], shared: Shared, jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Yield ``function(shared, job)`` of each job, in order.

    ``function`` can be imported; jobs and outcomes can be pickled. What a process was at when it died is done again.

    Raises what the function raises; ValueError if ``shared`` can't be sent to another process, or a process lacks its
    code; WorkersLostError if processes die again and again.
    """
    backend = _backend.get()
    if backend is None:
        return (function(shared, job) for job in jobs)
    return _spread(opened(backend), function, shared, jobs)


def _spread(
    cluster: Cluster, function: Callable[[Shared, Job], Outcome], shared: Shared, jobs: Sequence[Job]
) -> Iterator[Outcome]:
    from joblib import delayed

    sent, parallel = cluster.send(shared)
    call = next(_calls)
    circumstances = Circumstances(torch.get_num_threads(), most_rows())
    left, deaths = list(enumerate(jobs)), 0
    while left:
        done = 0
        some = left if cluster.streams else left[: AT_A_TIME * cluster.processes]
        try:
            asked = (delayed(_do)(function, sent, circumstances, job, (call, index)) for index, job in some)
            for whose, outcome in parallel(asked):
                # After a death, joblib first does what it had still kept of the jobs before, which is asked for again.
                if done < len(some) and whose == (call, some[done][0]):
                    done += 1
                    yield outcome
        except cluster.deaths as error:
            deaths += 1
            if deaths > MOST_DEATHS:
                raise WorkersLostError(
                    f"processes of {cluster.backend} died {deaths} times, so this is given up: they may lack memory, "
                    f"or the method ends its process ({described(error)})"
                ) from error
        left = left[done:]


def _do(
    function: Callable[[Shared, Job], Outcome],
    sent: Sent,
    circumstances: Circumstances,
    job: Job,
    whose: tuple[int, int],
) -> tuple[tuple[int, int], Outcome]:
    """Do a job in the process that it was sent to. If Dask's processes have threads, these take turns.

    ``whose``: which call of ``mapped`` asks, and its how many-th job this is; it is returned beside the outcome.
    A process that has fewer threads than the one that sent the job, since it shares a machine, keeps to its own.
    """
    count = min(circumstances.threads, torch.get_num_threads())
    with _one_at_a_time, threads(count), rows_at_a_time(circumstances.rows):
        return whose, function(received(sent), job)
