"""A cache without locks, as on some network file systems: networks are trained, and two that write do no harm."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from support.faults import make_read_only, refuse_locks
from support.trainings import SWIFT, TrainingProcess, bytes_of, entry_in, trained

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage import cached
from pytest_saliency_sanity.networks.storage.cached import train_entry
from pytest_saliency_sanity.networks.storage.leftovers import clear, left_over
from pytest_saliency_sanity.networks.storage.locking import held, held_if_free, refusal

pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")
Told = pytest.CaptureFixture[str]


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP], ids=errno.errorcode.get)
def no_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Why no file can be locked, in the system's words."""
    monkeypatch.setattr(fcntl, "flock", fcntl.flock)  # put back afterwards
    refuse_locks(request.param)
    return os.strerror(request.param)


@pytest.fixture(scope="module")
def expected() -> dict[str, bytes]:
    """The weights of a training that nothing disturbed."""
    return bytes_of(trained(SWIFT).kept())


def test_a_network_is_trained_without_locks_and_that_is_said(
    cache: Path, no_locks: str, expected: dict[str, bytes], capsys: Told
) -> None:
    entry = entry_in(cache, SWIFT)
    train_entry(entry)
    told = f"alexnet-random: files in {cache} can't be locked ({no_locks}): if another process trains it too, it comes"
    assert capsys.readouterr().err.count(told) == 1
    assert bytes_of(entry.read()[0]) == expected
    assert list(cache.iterdir()) == [entry.finished]
    train_entry(entry)  # to load it takes no lock
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", range(1, 5))  # three saves and the trained network
@pytest.mark.parametrize("no_locks", [errno.ENOLCK], ids=["ENOLCK"], indirect=True)
@pytest.mark.usefixtures("no_locks")
def test_two_that_write_at_once_do_each_other_no_harm(
    number: int, cache: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # While one has written a file and not yet renamed it, another trains the same network from start to end.
    monkeypatch.setattr(cached, "SECONDS_BETWEEN_SAVES", -1.0)
    entry, replace, renamed = entry_in(cache, SWIFT), os.replace, 0

    def renaming(*names: Any) -> None:
        nonlocal renamed
        renamed += 1
        if renamed == number:
            train_entry(entry)
            assert bytes_of(entry.read()[0]) == expected
        replace(*names)

    monkeypatch.setattr(os, "replace", renaming)
    train_entry(entry)
    assert renamed > number
    assert bytes_of(entry.read()[0]) == expected
    assert list(cache.iterdir()) == [entry.finished]


def test_two_processes_without_locks_both_train_to_the_same_weights(cache: Path, expected: dict[str, bytes]) -> None:
    both = [TrainingProcess(cache, family=SWIFT, first=refuse_locks) for _ in "12"]
    assert [process.end()[0] for process in both] == [0, 0]
    assert bytes_of(entry_in(cache, SWIFT).read()[0]) == expected
    assert list(cache.iterdir()) == [entry_in(cache, SWIFT).finished]


def test_without_locks_only_what_nobody_can_be_writing_is_deleted(cache: Path, no_locks: str) -> None:
    entry = entry_in(cache, SWIFT)
    claims = train_entry(entry)
    entry.put_down(trained(SWIFT), 1.0)  # of a training that is over
    half = cache / f".{entry.finished.name}.0123456789abcdef"
    half.touch()
    assert train_entry(entry) == claims
    assert left_over(cache) == [half]
    why = f"files there can't be locked ({no_locks}), so nobody knows whether it is being written"
    assert list(clear(cache)) == [(half, why), (entry.finished, "")]


def test_a_lock_that_another_holds_is_waited_for(cache: Path) -> None:
    other, told = FileLock(cache / "lock"), []

    def waited() -> None:
        told.append("waited")
        other.release()

    other.acquire()
    with held(cache / "lock", waited, told.append), held_if_free(cache / "lock") as why:
        assert why == "it is being trained"
    with held_if_free(cache / "lock") as why:
        assert why == ""
    assert told == ["waited"]


def test_trying_whether_files_can_be_locked_leaves_nothing(cache: Path) -> None:
    assert refusal(cache) == ""
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("ask", [train_entry, lambda entry: list(clear(entry.folder))], ids=["train", "clear"])
def test_a_folder_that_is_read_only_is_not_one_without_locks(
    ask: Callable[[Any], Any], cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told
) -> None:
    (half := cache / ".alexnet-true-0.safetensors.ab").touch()
    with monkeypatch.context() as patch:
        make_read_only(patch)
        try:
            said = str(ask(entry_in(cache, SWIFT)))
        except CheckpointError as error:
            said = str(error)
    assert "Read-only file system" in said
    assert "locked" not in said + capsys.readouterr().err
    assert half.exists()
