"""The paper's networks at full width, trained on first use and kept in the user's cache folder (appendix B)."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from ...foundation.errors import CheckpointError
from ..architectures import MODELS, build_model
from ..names import LABELS
from ..storage.cache import Entry, cache_folder
from ..storage.record import read_record, write_record
from ..storage.store import ready
from ..training.claims import claims_of, complaints, measured, training_data
from ..training.memorize import Epoch, Training, epochs_of
from ..training.progress import Progress
from ..training.recipes import PAPER, Recipe

SEED = 1  # the paper's random_seed
# Written at most this often: a gigabyte takes a second or two. What an interruption loses is at most this, and never
# the result: a training that is taken up again ends with the same weights.
SECONDS_BETWEEN_SAVES = 60.0
# Epochs that the recipe took where docs/reproduction.md was measured: what the progress bar expects.
EXPECTED_EPOCHS = {"alexnet-true": 17, "alexnet-random": 225, "vgg11-true": 22, "vgg11-random": 60}
# Weights, momentum, and both again while a save replaces the last one; the trained weights themselves.
BYTES_A_PARAMETER = 4 * 5


def entries(folder: Path | str | None = None, recipe: Recipe = PAPER) -> list[Entry]:
    """Return the places of all networks of the preset in a cache folder, by default the user's."""
    where = cache_folder(folder)
    return [Entry(where, network, labels, recipe, SEED) for network in MODELS for labels in LABELS]


def load_paper_checkpoint(
    network: str, labels: str, folder: Path | str | None = None, *, device: torch.device | str = "cpu"
) -> nn.Module:
    """Return a network of the paper in evaluation mode on the CPU, trained on ``device`` if it is not in the cache yet.

    Raises CheckpointError where the cache folder can't be written to, or holds a damaged file.
    """
    entry = next(each for each in entries(folder) if (each.network, each.labels) == (network, labels))
    train(entry, device)
    return load(entry)


def load(entry: Entry) -> nn.Module:
    """Return the trained network of an entry, verified by its hash."""
    weights, _ = entry.read()
    return ready(entry.network, entry.recipe.width, weights)


def train(entry: Entry, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Train what is not in the cache yet, one process at a time; return the claims about it.

    An interrupted training is taken up where it was last saved.

    Raises CheckpointError where the cache folder can't be written to, or the labels are not memorised.
    """
    claims = entry.claims()
    if claims is None:
        with entry.held(on_wait=lambda: say_waiting(entry)):
            claims = entry.claims() or _train(entry, device)
    return claims


def _train(entry: Entry, device: torch.device | str) -> dict[str, Any]:
    for left_over in entry.folder.glob(f".{entry.name}-{entry.key}.*"):
        left_over.unlink()  # of a process that was killed while it wrote: nobody else writes while we hold the lock
    require_space(entry)
    training = Training(entry.network, training_data(entry.labels, entry.seed), entry.recipe, entry.seed, device)
    seconds, note = take_up(training, entry)
    expected = EXPECTED_EPOCHS[entry.name]
    with Progress(entry.name, expected, done=len(training.history)) as progress:
        if note:
            progress.say(note)
        started = saved = time.monotonic()
        try:
            for number, reached in epochs_of(training):
                progress.show(number, reached)
                if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    put_down(training, entry, seconds + time.monotonic() - started)
                    saved = time.monotonic()
        except CheckpointError:  # not memorised: how far it came is worth keeping
            put_down(training, entry, seconds + time.monotonic() - started)
            raise
    seconds += time.monotonic() - started
    model = training.kept().cpu()
    claims = {
        **claims_of(model, entry.network, entry.labels, entry.recipe, entry.seed, len(training.history)),
        "history": [list(vars(each).values()) for each in training.history],
        "trained_on": {"device": str(device), "threads": torch.get_num_threads(), "seconds": round(seconds)},
    }
    entry.finish(model.state_dict(), claims)
    return claims


def put_down(training: Training, entry: Entry, seconds: float) -> None:
    """Save a training so that it can be taken up again."""
    history = [list(vars(each).values()) for each in training.history]
    write_record(entry.unfinished, training.tensors(), {"history": history, "seconds": seconds})


def take_up(training: Training, entry: Entry) -> tuple[float, str]:
    """Go on where the training was put down; return the seconds it had taken, and what the user should know."""
    if not entry.unfinished.exists():
        return 0.0, ""
    try:
        tensors, facts = read_record(entry.unfinished)
    except CheckpointError as error:
        return 0.0, f"{error}: the training starts anew"
    training.take_up(tensors, [Epoch(*values) for values in facts["history"]])
    return facts["seconds"], f"{entry.name}: taken up after epoch {len(training.history)}"


def require_space(entry: Entry) -> None:
    """Raise CheckpointError, before long work, where the disk has no room for the files of a training."""
    with torch.device("meta"):
        parameters = sum(p.numel() for p in build_model(entry.network, entry.recipe.width).parameters())
    needed, free = BYTES_A_PARAMETER * parameters, shutil.disk_usage(entry.folder).free
    if free < needed:
        raise CheckpointError(
            f"{entry.folder} has {free / 1e9:.1f} GB free, and training {entry.name} needs {needed / 1e9:.1f} GB: "
            "free space or choose another folder"
        )


def verify(entry: Entry) -> tuple[Mapping[str, Any], list[str]]:
    """Measure every claim about a trained network again; return the measurements and the complaints."""
    weights, claims = entry.read()
    now = measured(ready(entry.network, entry.recipe.width, weights), entry.labels, entry.seed)
    return now, complaints(claims, now, "paper")


def say_waiting(entry: Entry) -> None:
    """Say why nothing happens."""
    sys.stderr.write(f"{entry.name}: another process trains it; waiting for that\n")
    sys.stderr.flush()


def foreign_files(known: Iterable[Entry]) -> list[Path]:
    """Return the networks in the cache folder that no known entry means: of other versions of this package."""
    known = list(known)
    files = sorted(known[0].folder.glob("*.safetensors"))
    return [file for file in files if not any(file.name.startswith(f"{each.name}-{each.key}.") for each in known)]


def clear(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Delete every network in a cache folder, those of other versions included.

    Yield each file and whether it is gone: what another process trains at the moment is left alone.
    """
    for file in sorted((*folder.glob("*.safetensors"), *folder.glob(".*.safetensors.*"))):
        lock = FileLock(folder / f"{file.name.removeprefix('.').partition('.')[0]}.lock")
        try:
            with lock.acquire(timeout=0):
                file.unlink()
            yield file, True
        except Timeout:
            yield file, False
