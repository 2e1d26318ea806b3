"""Training and verifying the checkpoints that the package ships."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...foundation.errors import CheckpointError
from ..architectures import MODELS
from ..names import LABELS
from ..storage.store import EMBEDDED, REBUILD, load_weights, read_manifest, save_checkpoint
from ..training.claims import claims_of, complaints, measured, training_data
from ..training.memorize import Training, epochs_of
from ..training.progress import Progress
from ..training.recipes import EMBEDDED as RECIPE
from ..training.recipes import Recipe


def train_embedded(folder: Path = EMBEDDED, *, seed: int = 1, recipe: Recipe = RECIPE) -> Iterator[dict[str, Any]]:
    """Train every network on true and on random labels, with a progress bar; yield the claims about each, as saved.

    Raises CheckpointError where a network does not memorise its labels.
    """
    for network in MODELS:
        for labels in LABELS:
            training = Training(network, training_data(labels, seed), recipe, seed)
            with Progress(f"{network}-{labels}", total=recipe.least_epochs) as progress:
                for number, reached in epochs_of(training):
                    progress.show(number, reached)
            claims = claims_of(training.kept(), network, labels, recipe, seed, len(training.history))
            yield save_checkpoint(training.kept(), claims, folder)


def verify_embedded(folder: Path = EMBEDDED) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Measure every claim of the manifest again; yield each checkpoint's name, measurements and complaints.

    Raises CheckpointError where a file or a checkpoint is missing or damaged.
    """
    manifest = read_manifest(folder)["checkpoints"]
    for name, claims in manifest.items():
        model = load_weights(folder / claims["file"], claims)
        now = measured(model, claims["labels"], claims["seed"])
        yield name, now, complaints(claims, now)
    missing = [
        f"{network}-{labels}" for network in MODELS for labels in LABELS if f"{network}-{labels}" not in manifest
    ]
    if missing:
        raise CheckpointError(f"{folder / 'manifest.json'} lists no {', '.join(missing)}. Rebuild it: {REBUILD}")
