"""Clocks that jump while a network is trained, and between two parts of a training."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from itertools import accumulate, cycle
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.trainings import SWIFT, bytes_of, entry_in, trained, with_recipe

from pytest_saliency_sanity.foundation import progress
from pytest_saliency_sanity.networks.storage import cached
from pytest_saliency_sanity.networks.storage.cached import train_entry
from pytest_saliency_sanity.networks.storage.entry import Entry
from pytest_saliency_sanity.networks.training.training import Training

pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")
DAY = 86_400.0
JUMPS = {
    "ahead": [DAY],
    "back": [-DAY],
    "to and fro": [DAY, 0.5, -DAY, -0.5],
    "to and far fro": [0.5, -2 * DAY, DAY],
    "stopped": [0.0],
}


def jumping(steps: list[float], start: float = 1e9) -> Callable[[], float]:
    """Return a clock that goes by such steps, over and over."""
    times = accumulate(cycle(steps), initial=start)
    return lambda: next(times)


@pytest.mark.parametrize("steps", JUMPS.values(), ids=JUMPS)
def test_clocks_that_jump_do_not_change_a_training(
    steps: list[float], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = entry_in(cache, SWIFT)
    first = SWIFT.training(entry.network, entry.labels)
    first.epoch()
    entry.put_down(first, 1.5)
    with monkeypatch.context() as patch:
        for clock in ("time", "monotonic", "perf_counter"):
            patch.setattr(time, clock, jumping(steps))
        patch.setattr(progress, "monotonic", jumping(steps))
        claims = train_entry(entry)
    assert claims.trained_on
    assert 1 <= claims.trained_on.seconds < math.inf
    assert bytes_of(entry.read()[0]) == bytes_of(trained(SWIFT).kept())


@pytest.mark.parametrize(
    ("steps", "saves"), [([61.0], 5), ([-DAY, DAY + 61.0], 2), ([-DAY] + [61.0] * 99, 4), ([1.0], 0)]
)
def test_a_clock_that_was_set_back_does_not_end_the_saving(
    steps: list[float], saves: int, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []

    class Watched(Entry):
        def put_down(self, training: Training, seconds: float) -> None:
            saved.append(len(training.history))
            super().put_down(training, seconds)

    monkeypatch.setattr(cached, "time", SimpleNamespace(monotonic=jumping(steps)))  # read at the start and every epoch
    family = with_recipe(SWIFT, least_epochs=5, most_epochs=5)
    train_entry(Watched(cache, family, "alexnet", "random"))
    assert len(saved) == saves


def test_files_from_the_future_are_as_good_as_others(cache: Path) -> None:
    entry = entry_in(cache, SWIFT)
    first = SWIFT.training(entry.network, entry.labels)
    first.epoch()
    entry.put_down(first, 1.5)
    entry.lock.touch()
    half = cache / f".{entry.unfinished.name}.0123456789abcdef"
    half.touch()
    for file in (entry.unfinished, entry.lock, half):
        os.utime(file, (4e9, 4e9))
    train_entry(entry)
    assert bytes_of(entry.read()[0]) == bytes_of(trained(SWIFT).kept())
    os.utime(entry.finished, (0, 0))
    assert train_entry(entry).epochs == 3
    assert not half.exists()
