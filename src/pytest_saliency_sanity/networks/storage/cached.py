"""Networks that are trained on first use and kept in a cache folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch

from ...foundation.errors import CheckpointError
from ...foundation.progress import say
from ..architectures import build_model
from ..training.claims import Claims
from ..training.family import Family, count_parameters
from ..training.progress import train_in_sight
from ..training.training import TargetMissedError, Training
from .collection import Checked, Choice, verified
from .entry import Entry
from .leftovers import clear, left_over, networks_in, sweep

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

    def listed(self) -> Iterator[tuple[str, Claims | str | CheckpointError]]:
        """Yield each network's name and what is claimed about it, or how far its training is, or what is wrong."""
        for entry in self.entries():
            try:
                yield entry.name, entry.claims() or _state_of(entry)
            except CheckpointError as error:
                yield entry.name, error

    def train(self, choice: Choice, device: torch.device | str = "cpu") -> Iterator[Checked]:
        """Train what is not in the cache yet of the chosen networks. Raises as ``train_entry``."""
        for entry in self.entries(choice):
            claims = train_entry(entry, device)
            yield Checked(entry.name, claims.measured, self.family.complaints(claims, claims.measured))

    def verify(self, choice: Choice) -> Iterator[Checked]:
        """Measure every claim about the chosen networks again; one that is missing or damaged is complained of."""
        for entry in self.entries(choice):
            yield verified(entry.name, self.family, entry.read)

    def unused(self) -> list[tuple[Path, str]]:
        """Return the files in the folder that no training of this version goes on from, and what each is."""
        ours = {file for entry in self.entries() for file in (entry.finished, entry.unfinished)}
        rest = left_over(self.folder)
        return [(file, "left over from a training that was killed, or being written") for file in rest] + [
            (file, "of another version, not used") for file in networks_in(self.folder) if file not in {*ours, *rest}
        ]

    def clear(self) -> Iterator[tuple[Path, str]]:
        """Delete every network in the folder, as ``leftovers.clear``."""
        return clear(self.folder)


def train_entry(entry: Entry, device: torch.device | str = "cpu") -> Claims:
    """Train what is not in the cache yet, one process at a time; return the claims about it.

    An interrupted training is taken up where it was last saved. What killed processes left over is deleted.

    Raises CheckpointError if the cache folder can't be written to, or the target is not reached.
    """
    claims = entry.claims()
    if claims is None:
        with _held(entry) as lock:
            claims = entry.claims()
            if claims is None:
                sweep(entry.folder, held=lock)  # before the room is measured
                claims = _train(entry, device)
    sweep(entry.folder)
    return claims


def _held(entry: Entry) -> AbstractContextManager[Path | None]:
    """Hold a network's lock, and tell of what is not as usual."""

    def waiting() -> None:
        say(f"{entry.name}: another process trains it; waiting for that")

    def unlocked(reason: str) -> None:
        told = f"files in {entry.folder} can't be locked ({reason})"
        say(f"{entry.name}: {told}: if another process trains it too, it comes to the same weights")

    return entry.held(waiting, unlocked)


def _train(entry: Entry, device: torch.device | str) -> Claims:
    require_space(entry)
    training, clock, note = _begun(entry, device)

    def save_now_and_then() -> None:
        clock.tick()
        if clock.since_save > SECONDS_BETWEEN_SAVES:
            entry.put_down(training, clock.seconds)
            clock.since_save = 0.0

    try:
        expected = entry.family.expected_epochs.get(entry.name, 0)
        train_in_sight(training, entry.name, expected, note, save_now_and_then)
    except TargetMissedError as missed:  # how far it came is worth keeping
        try:
            entry.put_down(training, clock.seconds)
        except CheckpointError as error:
            raise CheckpointError(f"{missed}; and how far it came is not saved: {error}") from error
        raise
    claims = entry.family.claims_of(training, entry.labels, clock.seconds)
    entry.finish(training.kept().state_dict(), claims)
    return claims


def _begun(entry: Entry, device: torch.device | str) -> tuple[Training, _Clock, str]:
    """Return a training where it was put down, or at its beginning, and what the user should know about that."""
    training = entry.family.training(entry.network, entry.labels, device)
    try:
        seconds, note = entry.take_up(training)
    except CheckpointError as error:
        training = entry.family.training(entry.network, entry.labels, device)
        seconds, note = 0.0, f"{error}: the training starts anew"
    return training, _Clock(seconds), note


class _Clock:
    """How many seconds a training took, what it took before it was last taken up included."""

    def __init__(self, before: float) -> None:
        self.seconds = before
        self.since_save = 0.0
        self._last = time.monotonic()

    def tick(self) -> None:
        """Count the time since the last tick: none if the machine's clock was set back."""
        now = time.monotonic()
        passed = max(0.0, now - self._last)
        self.seconds, self.since_save, self._last = self.seconds + passed, self.since_save + passed, now


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
