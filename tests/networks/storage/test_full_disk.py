"""A disk that is full at any write of a training: a sentence, nothing half-written, and the same weights afterwards."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from support.faults import FullDisk
from support.trainings import SWIFT, bytes_of, entry_in, trained, with_recipe

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage import cached
from pytest_saliency_sanity.networks.storage.cached import train_entry
from pytest_saliency_sanity.networks.storage.collection import Choice
from pytest_saliency_sanity.networks.storage.entry import Entry
from pytest_saliency_sanity.networks.storage.leftovers import networks_in
from pytest_saliency_sanity.networks.storage.record import read_record
from pytest_saliency_sanity.networks.storage.shipped import ShippedNetworks

pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")
TOLD_BY_ANY = "No space left on device"
# What a save asks of a disk: a file, its content, its mode, its name.
A_SAVE = 4


@pytest.fixture(autouse=True)
def _saved_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "SECONDS_BETWEEN_SAVES", -1.0)


def assert_whole(folder: Path) -> None:
    """Every file is a record with the right hash, or a lock; nothing else is there."""
    for file in networks_in(folder):
        read_record(file)
    assert {file.suffix for file in folder.glob("*")} <= {".safetensors", ".lock"}
    assert not list(folder.glob(".*"))


def train_on_a_full_disk(entry: Entry, at: int, for_good: bool) -> tuple[FullDisk, str]:
    """Train while the disk is full from a request on; return the disk, and the error if there was one."""
    with pytest.MonkeyPatch.context() as patch:
        disk = FullDisk(patch, at, for_good)
        try:
            train_entry(entry)
        except CheckpointError as error:
            return disk, str(error)
    return disk, ""


@pytest.mark.parametrize("for_good", [True, False], ids=["from then on", "once"])
def test_a_disk_that_is_full_at_any_write_of_a_training(tmp_path: Path, for_good: bool) -> None:
    expected = bytes_of(trained(SWIFT).kept())
    for at in count(1):
        entry = entry_in(tmp_path / str(at) / "cache", SWIFT)
        disk, told = train_on_a_full_disk(entry, at, for_good)
        if not disk.was_full:
            break
        assert TOLD_BY_ANY in told
        assert told.startswith(f"{entry.folder} can't be written to (")
        assert told.endswith("free space or name another with SALIENCY_SANITY_CACHE_DIR or --saliency-cache-dir")
        if entry.folder.exists():
            assert_whole(entry.folder)
        train_entry(entry)
        assert bytes_of(entry.read()[0]) == expected
        assert_whole(entry.folder)
    assert at > 4 * A_SAVE  # three epochs and the trained network, and what making a folder and a lock asks


def test_a_target_that_is_missed_on_a_full_disk_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The only save is that of how far the training came.
    monkeypatch.setattr(cached, "SECONDS_BETWEEN_SAVES", 60.0)
    family = with_recipe(SWIFT, target=1.0, least_epochs=1, most_epochs=1)
    missed = []
    for at in count(1):
        disk, told = train_on_a_full_disk(entry_in(tmp_path / str(at), family), at, for_good=True)
        if not disk.was_full:
            break
        if "reached only" in told:
            missed.append(told)
    assert len(missed) == A_SAVE
    assert all("more epochs; and how far it came is not saved: " in told for told in missed)
    assert all(TOLD_BY_ANY in told for told in missed)


def test_a_disk_that_is_full_at_any_write_of_what_is_shipped(tmp_path: Path) -> None:
    choice = Choice("alexnet", "random")
    list(ShippedNetworks(SWIFT, tmp_path / "expected").train(choice))
    expected = {file.name: file.read_bytes() for file in (tmp_path / "expected").iterdir()}
    for at in count(1):
        networks, told = ShippedNetworks(SWIFT, tmp_path / str(at)), ""
        with pytest.MonkeyPatch.context() as patch:
            disk = FullDisk(patch, at)
            try:
                list(networks.train(choice))
            except CheckpointError as error:
                told = str(error)
        assert disk.was_full == ("can't be written to (No space left on device): free space or name another" in told)
        assert not list(networks.folder.glob(".*"))
        if not disk.was_full:
            break
        list(networks.train(choice))
        assert {file.name: file.read_bytes() for file in networks.folder.iterdir()} == expected
    assert at > 2 * A_SAVE  # the weights, and the manifest
