"""What killed processes left in a cache folder: it is found and deleted, and what a living process writes is not."""

from __future__ import annotations

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock
from support.faults import die_while_saving, make_read_only
from support.trainings import SWIFT, TrainingProcess, bytes_of, entry_in, trained

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage.cached import CachedNetworks, train_entry
from pytest_saliency_sanity.networks.storage.leftovers import clear, left_over, lock_of

pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.fixture
def killed(cache: Path) -> Path:
    """A cache folder in which a process was killed while it saved a training."""
    process = TrainingProcess(cache, family=SWIFT, first=partial(die_while_saving, signal.SIGKILL))
    assert process.end()[0] == -signal.SIGKILL
    (half,) = left_over(cache)
    assert half.read_bytes() == b"half"
    return cache


@pytest.fixture
def of_others(cache: Path) -> list[Path]:
    """Temporary files of other versions of the package, and of another network of this one."""
    (other,) = (each for each in CachedNetworks(SWIFT, cache).entries() if each.name == "vgg11-true")
    files = [
        cache / ".alexnet-true-0123456789.safetensors.ab_cdefg",
        cache / ".vgg11-true-0123456789.training.safetensors.0123456789abcdef",
        cache / f".{other.unfinished.name}.0123456789abcdef",
    ]
    for file in files:
        file.write_bytes(b"half")
    return files


def test_a_training_that_goes_on_deletes_what_was_half_saved(killed: Path) -> None:
    entry = entry_in(killed, SWIFT)
    train_entry(entry)
    assert names_in(killed) == {entry.finished.name, entry.lock.name}
    assert bytes_of(entry.read()[0]) == bytes_of(trained(SWIFT).kept())


def test_clear_deletes_what_was_half_saved(killed: Path) -> None:
    (half,) = left_over(killed)
    assert list(CachedNetworks(SWIFT, killed).clear()) == [(half, "")]
    assert names_in(killed) == {entry_in(killed, SWIFT).lock.name}


def test_the_room_of_what_was_half_saved_is_there_for_the_training(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A disk whose last gigabytes are what a killed process left.
    half = cache / f".{entry_in(cache, SWIFT).unfinished.name}.0123456789abcdef"
    half.touch()
    full, empty = shutil.disk_usage(cache)._replace(free=0), shutil.disk_usage(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: full if half.exists() else empty)
    assert train_entry(entry_in(cache, SWIFT)).epochs == 3


def test_the_temporary_files_of_other_versions_and_networks_are_deleted_too(cache: Path, of_others: list[Path]) -> None:
    entry = entry_in(cache, SWIFT)
    train_entry(entry)
    assert not [file for file in of_others if file.exists()]
    for file in of_others:
        file.write_bytes(b"half")
    train_entry(entry)  # which loads it only
    assert not [file for file in of_others if file.exists()]
    for file in of_others:
        file.write_bytes(b"half")
    assert set(clear(cache)) == {(file, "") for file in (*of_others, entry.finished)}
    assert all(name.endswith(".lock") for name in names_in(cache))


def test_a_temporary_file_that_a_living_process_writes_is_left_alone(cache: Path, of_others: list[Path]) -> None:
    with FileLock(lock_of(of_others[0])):
        train_entry(entry_in(cache, SWIFT))
        assert [file for file in of_others if file.exists()] == of_others[:1]
        assert dict(clear(cache))[of_others[0]] == "it is being trained"
    assert of_others[0].exists()
    train_entry(entry_in(cache, SWIFT))
    assert not of_others[0].exists()


def test_the_save_of_a_training_that_was_killed_as_it_ended_is_deleted(cache: Path) -> None:
    # Between the file of the trained network and the end of the file of its training.
    entry = entry_in(cache, SWIFT)
    entry.put_down(trained(SWIFT), 1.0)
    saved = entry.unfinished.read_bytes()
    claims = train_entry(entry)
    entry.unfinished.write_bytes(saved)
    assert train_entry(entry) == claims
    assert names_in(cache) == {entry.finished.name, entry.lock.name}


def test_a_network_is_read_from_a_disk_that_is_read_only(
    cache: Path, of_others: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_in(cache, SWIFT)
    claims = train_entry(entry)
    of_others[0].write_bytes(b"half")
    with monkeypatch.context() as patch:
        make_read_only(patch)
        assert train_entry(entry) == claims
        assert entry.read()[1] == claims
    assert of_others[0].exists()


def test_clear_on_a_disk_that_is_read_only_says_what_stays_and_why(
    cache: Path, of_others: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_in(cache, SWIFT)
    train_entry(entry)
    of_others[0].write_bytes(b"half")
    with monkeypatch.context() as patch:
        make_read_only(patch)
        cleared = list(clear(cache))
    why = "it can't be deleted (Read-only file system)"
    assert cleared == [(of_others[0], why), (entry.finished, why)]
    assert entry.finished.exists()


def test_a_file_that_can_not_be_deleted_does_not_keep_the_others(
    cache: Path, of_others: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = os.unlink

    def all_but_one(path: Path, **how: int) -> None:
        if path == of_others[0]:
            raise PermissionError(13, "Permission denied")
        unlink(path, **how)

    monkeypatch.setattr(os, "unlink", all_but_one)
    cleared = dict(clear(cache))
    assert cleared[of_others[0]] == "it can't be deleted (Permission denied)"
    assert [cleared[file] for file in of_others[1:]] == ["", ""]


def test_a_cache_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"file can't be read \(Not a directory\)"):
        list(clear(tmp_path / "file"))
    assert list(clear(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("name", [".alexnet-true-1.safetensors.ab", "alexnet-true-1.training.safetensors"])
def test_a_file_and_its_lock(name: str) -> None:
    assert lock_of(Path("cache") / name) == Path("cache/alexnet-true-1.lock")


def test_files_of_somebody_else_are_left_alone(cache: Path) -> None:
    (cache / "notes.txt").touch()
    (cache / ".hidden").touch()
    train_entry(entry_in(cache, SWIFT))
    list(clear(cache))
    assert names_in(cache) >= {"notes.txt", ".hidden"}


def test_list_says_what_is_left_over(cache: Path, of_others: list[Path]) -> None:
    told = dict(CachedNetworks(SWIFT, cache).unused())
    assert set(told) == set(of_others)
    assert set(told.values()) == {"left over from a training that was killed, or being written"}
