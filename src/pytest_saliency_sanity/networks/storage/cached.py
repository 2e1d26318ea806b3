"""Networks that are trained on first use and kept in a cache folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from ...foundation.errors import CheckpointError
from ...foundation.progress import say
from ..architectures import build_model
from ..training.claims import Claims
from ..training.family import Family, count_parameters
from ..training.progress import train_in_sight
from .collection import Checked, Choice
from .entry import Entry

# Written at most this often: a gigabyte takes a second or two. What an interruption loses is at most this, and never
# the result: a training that is taken up again ends with the same weights.
SECONDS_BETWEEN_SAVES = 60.0
# Weights, momentum, and both again while a save replaces the last one; the trained weights themselves.
BYTES_PER_PARAMETER = 4 * 5


@dataclass(frozen=True)
class CachedNetworks:
    """The networks of a family in a cache folder."""

    family: Family
    folder: Path

    def entries(self, choice: Choice = Choice()) -> list[Entry]:  # noqa: B008  (frozen)
        """Return the places of the chosen networks."""
        return [Entry(self.folder, self.family, network, kind) for network, kind in choice.of(self.family)]

    def listed(self) -> Iterator[tuple[str, Claims | str]]:
        """Yield each network's name and what is claimed about it, or how far its training is."""
        for entry in self.entries():
            yield entry.name, entry.claims() or _state_of(entry)

    def train(self, choice: Choice, device: torch.device | str = "cpu") -> Iterator[Checked]:
        """Train what is not in the cache yet of the chosen networks. Raises as ``train_entry``."""
        for entry in self.entries(choice):
            claims = train_entry(entry, device)
            yield Checked(entry.name, claims.measured, self.family.complaints(claims, claims.measured))

    def verify(self, choice: Choice) -> Iterator[Checked]:
        """Measure every claim about the chosen networks again; CheckpointError if one is missing or damaged."""
        for entry in self.entries(choice):
            yield Checked(entry.name, *self.family.measure_again(*entry.read()))

    def unused(self) -> list[Path]:
        """Return the networks in the folder that belong to other versions of this package."""
        ours = tuple(f"{entry.name}-{entry.key}." for entry in self.entries())
        return [file for file in sorted(self.folder.glob("*.safetensors")) if not file.name.startswith(ours)]

    def clear(self) -> Iterator[tuple[Path, bool]]:
        """Delete every network in the folder, those of other versions included.

        Yield each file and whether it is gone: what another process trains at the moment is left alone.
        """
        for file in sorted((*self.folder.glob("*.safetensors"), *self.folder.glob(".*.safetensors.*"))):
            lock = FileLock(self.folder / f"{file.name.removeprefix('.').partition('.')[0]}.lock")
            try:
                with lock.acquire(timeout=0):
                    file.unlink()
                yield file, True
            except Timeout:
                yield file, False


def train_entry(entry: Entry, device: torch.device | str = "cpu") -> Claims:
    """Train what is not in the cache yet, one process at a time; return the claims about it.

    An interrupted training is taken up where it was last saved.

    Raises CheckpointError if the cache folder can't be written to, or the target is not reached.
    """
    claims = entry.claims()
    if claims is None:
        with entry.held(on_wait=lambda: _say_waiting(entry)):
            claims = entry.claims() or _train(entry, device)
    return claims


def _train(entry: Entry, device: torch.device | str) -> Claims:
    for left_over in entry.folder.glob(f".{entry.name}-{entry.key}.*"):
        left_over.unlink()  # of a process that was killed while it wrote: nobody else writes while we hold the lock
    require_space(entry)
    training = entry.family.training(entry.network, entry.labels, device)
    before, note = entry.take_up(training)
    clock = _Clock(before)

    def save_now_and_then() -> None:
        if clock.since_save > SECONDS_BETWEEN_SAVES:
            entry.put_down(training, clock.seconds)
            clock.saved()

    try:
        expected = entry.family.expected_epochs.get(entry.name, 0)
        train_in_sight(training, entry.name, expected, note, save_now_and_then)
    except CheckpointError:  # the target was not reached: how far it came is worth keeping
        entry.put_down(training, clock.seconds)
        raise
    claims = entry.family.claims_of(training, entry.labels, clock.seconds)
    entry.finish(training.kept().state_dict(), claims)
    return claims


class _Clock:
    """How long a training took, what it took before it was last taken up included."""

    def __init__(self, before: float) -> None:
        self.before = before
        self.started = self.last_save = time.monotonic()

    @property
    def seconds(self) -> float:
        return self.before + time.monotonic() - self.started

    @property
    def since_save(self) -> float:
        return time.monotonic() - self.last_save

    def saved(self) -> None:
        self.last_save = time.monotonic()


def require_space(entry: Entry) -> None:
    """Raise CheckpointError, before long work, if the disk has no room for the files of a training."""
    with torch.device("meta"):
        model = build_model(entry.network, entry.family.recipe_of(entry.network).width, entry.family.classes)
    needed, free = BYTES_PER_PARAMETER * count_parameters(model), shutil.disk_usage(entry.folder).free
    if free < needed:
        raise CheckpointError(
            f"{entry.folder} has {free / 1e9:.1f} GB free, and training {entry.name} needs {needed / 1e9:.1f} GB: "
            "free space or choose another folder"
        )


def _state_of(entry: Entry) -> str:
    """Return how far a network is that has no claims yet."""
    epochs = len(entry.history())
    return f"unfinished, saved after epoch {epochs}" if epochs else "not trained yet"


def _say_waiting(entry: Entry) -> None:
    say(f"{entry.name}: another process trains it; waiting for that")
