"""Jobs done here, or by other processes: the same outcomes in the same order, also if processes die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from time import sleep
from typing import Any

import pytest
import torch

from pytest_saliency_sanity.foundation import clusters
from pytest_saliency_sanity.foundation.backends import parse_backend
from pytest_saliency_sanity.foundation.clusters import MOST_DEATHS, received
from pytest_saliency_sanity.foundation.inference import most_rows, rows_at_a_time
from pytest_saliency_sanity.foundation.mapping import (
    WorkersLostError,
    is_spread,
    mapped,
    spread_over,
    workers,
)
from pytest_saliency_sanity.foundation.threads import threads


class Shared:
    """What all jobs share; it counts how often it is unpacked in a process."""

    unpacked = 0

    def __init__(self, folder: Path, lock: Any = None) -> None:
        self.folder = folder
        self.lock = lock
        self.weights = torch.arange(500_000.0)  # large enough for joblib to share it through a file

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        type(self).unpacked += 1


def squared(shared: Shared, job: int) -> tuple[int, float, int, int]:
    return job * job, float(shared.weights[job]), os.getpid(), Shared.unpacked


def circumstances(_: object, __: int) -> tuple[int, int | None]:
    return torch.get_num_threads(), most_rows()


def dying(shared: Shared, job: int) -> int:
    """Kill the process at job 3, as often as there are files that say so."""
    orders = sorted(shared.folder.iterdir())
    if job == 3 and orders:
        orders[0].unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return job


def dying_late(shared: Shared, job: int) -> int:
    """Kill the process at job 3 once the other one is at job 4, which then does not end: joblib has kept job 7."""
    if (shared.folder / "die").exists():
        if job == 4:
            (shared.folder / "at job 4").touch()
            sleep(60)
        if job == 3:
            while not (shared.folder / "at job 4").exists():
                sleep(0.1)
            sleep(1)
            (shared.folder / "die").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    return job


def failing(_: object, job: int) -> int:
    if job == 2:
        raise ValueError("job 2 does not like it")
    return job


@pytest.fixture
def loky() -> Iterator[None]:
    pytest.importorskip("joblib")
    with spread_over(parse_backend("loky:2")):
        yield


def test_jobs_are_done_here_one_after_the_other_when_they_are_asked_for(tmp_path: Path) -> None:
    outcomes = mapped(squared, Shared(tmp_path), range(5))
    assert [next(outcomes)[0], next(outcomes)[0]] == [0, 1]
    assert {pid for _, __, pid, ___ in outcomes} == {os.getpid()}
    assert workers() == 1
    assert not is_spread()


@pytest.mark.usefixtures("loky")
def test_processes_give_the_same_outcomes_in_order_and_unpack_what_is_shared_once(tmp_path: Path) -> None:
    assert workers() == 2
    found = list(mapped(squared, Shared(tmp_path), range(40)))
    assert [(square, weight) for square, weight, _, __ in found] == [(job * job, float(job)) for job in range(40)]
    assert os.getpid() not in {pid for _, __, pid, ___ in found}
    assert {count for *_, count in found} == {1}


@pytest.mark.usefixtures("loky")
def test_processes_use_the_threads_and_the_rows_of_this_one() -> None:
    with threads(1), rows_at_a_time(7):
        assert list(mapped(circumstances, None, range(3))) == [(1, 7)] * 3


@pytest.mark.usefixtures("loky")
def test_what_a_process_was_at_when_it_was_killed_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    assert list(mapped(dying, Shared(tmp_path), range(12))) == list(range(12))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("loky")
def test_what_joblib_kept_when_a_process_was_killed_is_not_taken_for_another_outcome(tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    assert list(mapped(dying_late, Shared(tmp_path), range(12))) == list(range(12))


@pytest.mark.slow
@pytest.mark.usefixtures("loky")
def test_work_that_kills_every_process_is_given_up(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"die {number:02}").touch()
    with pytest.raises(WorkersLostError, match=f"loky:2 died {MOST_DEATHS + 1} times.*may lack memory"):
        list(mapped(dying, Shared(tmp_path), range(12)))
    assert len(list(tmp_path.iterdir())) >= 20 - 2 * (MOST_DEATHS + 1)


@pytest.mark.usefixtures("loky")
def test_what_a_job_raises_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="job 2 does not like it"):
        list(mapped(failing, Shared(tmp_path), range(5)))


@pytest.mark.usefixtures("loky")
def test_what_can_not_be_sent_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"can't be sent to another process.*lock.*leave out --saliency-parallel"):
        list(mapped(squared, Shared(tmp_path, Lock()), range(2)))


def test_a_process_that_lacks_the_code_says_so() -> None:
    with pytest.raises(ValueError, match=r"lacks the code.*ModuleNotFoundError.*no_such_package.*install it there"):
        clusters.unpacked(b"cno_such_package.module\nThing\n.")


def test_a_process_keeps_what_it_was_sent_last(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cloudpickle")
    monkeypatch.setattr(clusters, "_received", type(clusters._received)())
    local = clusters.Cluster(parse_backend("loky:1"), 1, ())
    sent = [local.send(list(range(number)))[0] for number in range(clusters.KEPT + 1)]
    first = received(sent[0])
    assert received(sent[0]) is first
    assert [received(each) for each in sent] == [list(range(number)) for number in range(clusters.KEPT + 1)]
    assert received(sent[0]) is not first


def test_a_scheduler_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(clusters, "PATIENCE", 1)
    with pytest.raises(ValueError, match=r"dask:tcp://127.0.0.1:1: no Dask scheduler answers.*dask scheduler"):
        clusters.opened(parse_backend("dask:tcp://127.0.0.1:1"))
