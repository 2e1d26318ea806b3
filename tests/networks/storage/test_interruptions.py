"""A training that is interrupted at any moment, and many that want the same network: always the same weights."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
import torch
from support.faults import Lines, interrupt, signal_at_line
from support.trainings import SWIFT, TrainingProcess, bytes_of, entry_in, trained

from pytest_saliency_sanity.networks.storage import cached
from pytest_saliency_sanity.networks.storage.cached import train_entry
from pytest_saliency_sanity.networks.storage.entry import Entry
from pytest_saliency_sanity.networks.storage.leftovers import networks_in
from pytest_saliency_sanity.networks.storage.record import read_record

pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")
MOMENTS = 50


@pytest.fixture(autouse=True)
def _saved_after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "SECONDS_BETWEEN_SAVES", -1.0)


@pytest.fixture(autouse=True)
def _gradients_stay_on() -> Iterator[None]:
    """An interruption just before a ``with torch.no_grad()`` ends leaves gradients off: Python never calls its exit."""
    yield
    torch.set_grad_enabled(True)


@pytest.fixture(scope="module")
def expected() -> dict[str, bytes]:
    """The weights of a training that nothing disturbed."""
    return bytes_of(trained(SWIFT).kept())


@pytest.fixture(scope="module")
def moments(expected: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Fifty lines of a training, by their number in it, once what is read only once has been read.

    None is of the last quarter: how often a display is written to, and so how many lines are run, differs a little.
    """
    with pytest.MonkeyPatch.context() as patch, Lines() as lines:
        patch.setattr(cached, "SECONDS_BETWEEN_SAVES", -1.0)
        train_entry(entry_in(tmp_path_factory.mktemp("counted"), SWIFT))
    assert lines.count > 10 * MOMENTS
    return Random(0).sample(range(1, lines.count * 3 // 4), MOMENTS)


def assert_whole_and_taken_up(entry: Entry, expected: dict[str, bytes]) -> None:
    """What an interruption left is whole, and a later training ends with the same weights and leaves nothing else."""
    if entry.folder.exists():
        for file in networks_in(entry.folder):
            read_record(file)
    train_entry(entry)
    assert bytes_of(entry.read()[0]) == expected
    assert {file.name for file in entry.folder.iterdir()} <= {entry.finished.name, entry.lock.name}


# A file that was opened and not yet named is closed when its last reference goes, and Python warns of that.
@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_at_fifty_moments_of_a_training(tmp_path: Path, moments: list[int], expected: dict[str, bytes]) -> None:
    for moment in moments:
        entry = entry_in(tmp_path / str(moment), SWIFT)
        with pytest.raises(KeyboardInterrupt), Lines(moment, interrupt):
            train_entry(entry)
        assert not list(entry.folder.glob(".*"))  # what was half-written is taken away
        assert_whole_and_taken_up(entry, expected)


@pytest.mark.parametrize(
    ("how", "number"),
    [
        *((how, 2) for how in (signal.SIGINT, signal.SIGTERM)),
        *(
            pytest.param(how, MOMENTS, marks=pytest.mark.slow)
            for how in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
        ),
    ],
)
def test_signals_at_moments_of_a_training(
    tmp_path: Path, moments: list[int], expected: dict[str, bytes], how: signal.Signals, number: int
) -> None:
    for moment in moments[:number]:
        (folder := tmp_path / str(moment)).mkdir()
        status, told = TrainingProcess(folder, family=SWIFT, first=partial(signal_at_line, moment, how)).end()
        assert status == (1 if how == signal.SIGINT else -how), told
        assert_whole_and_taken_up(entry_in(folder, SWIFT), expected)


def test_eight_processes_train_it_once(cache: Path, expected: dict[str, bytes]) -> None:
    all_of_them = [TrainingProcess(cache, family=SWIFT) for _ in range(8)]
    ended = [process.end() for process in all_of_them]
    assert [status for status, _ in ended] == [0] * 8
    assert sum("loss=" in told for _, told in ended) == 1
    entry = entry_in(cache, SWIFT)
    assert bytes_of(entry.read()[0]) == expected
    assert {file.name for file in cache.iterdir()} == {entry.finished.name, entry.lock.name}
