"""Training and verifying the checkpoints that the package ships."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..data.batch import Batch
from ..data.mnist import SPLIT, load_held_out, load_training
from ..errors import CheckpointError
from ..models import MODELS
from ..models.inference import logits_of
from .memorize import Recipe, accuracy, memorize, random_labels
from .store import EMBEDDED, LABELS, REBUILD, load_weights, read_manifest, save_checkpoint

LEAST_TRAINING_ACCURACY = 0.95
LEAST_HELD_OUT_ACCURACY = 0.80
# Another processor rounds otherwise, which can move an image or two across a border between classes.
TOLERANCE = 0.01


def train_embedded(folder: Path = EMBEDDED, *, seed: int = 1, recipe: Recipe | None = None) -> Iterator[dict[str, Any]]:
    """Train every network on true and on random labels, with a progress bar; yield the claims about each, as saved.

    Raises CheckpointError where a network does not memorise its labels.
    """
    recipe = recipe or Recipe()
    for network in MODELS:
        for labels in LABELS:
            data = training_data(labels, seed)
            bar = tqdm(total=recipe.most_epochs, desc=f"{network}, {labels} labels", unit="epoch")

            def on_epoch(epoch: int, loss: float, reached: float, bar: tqdm[Any] = bar) -> None:
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{reached:.3f}")

            with bar:
                model, epochs = memorize(network, data, recipe, seed, on_epoch)
            yield save_checkpoint(model, claims_of(model, network, labels, recipe, seed, epochs), folder)


def training_data(labels: str, seed: int) -> Batch:
    """Return the training images with their true labels, or with the random ones of ``seed``."""
    data = load_training()
    assert data.targets is not None
    return data if labels == "true" else Batch(data.images, random_labels(data.targets, seed))


def claims_of(model: nn.Module, network: str, labels: str, recipe: Recipe, seed: int, epochs: int) -> dict[str, Any]:
    """Return what the manifest says of a checkpoint, in plain values."""
    return {
        "network": network,
        "labels": labels,
        "seed": seed,
        "recipe": dict(vars(recipe)),
        "data": SPLIT,
        "epochs": epochs,
        **measured(model, labels, seed),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }


def measured(model: nn.Module, labels: str, seed: int) -> dict[str, Any]:
    """Return the claims that can be measured again."""
    training, held_out = training_data(labels, seed), load_held_out()
    assert training.targets is not None
    assert held_out.targets is not None
    low, high = chance_range(logits_of(model, held_out.images).argmax(1), held_out.targets)
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "training_accuracy": accuracy(model, training.images, training.targets),
        "held_out_accuracy": accuracy(model, held_out.images, held_out.targets),
        "chance_range": [low, high],
    }


def chance_range(predicted: torch.Tensor, labels: torch.Tensor, draws: int = 10_000) -> tuple[float, float]:
    """Return the central 99 % of the accuracies that the same predictions have if the class names mean nothing.

    Predicted classes are renamed at random. A binomial range would be too narrow: images of a class tend to be
    predicted alike, so they do not guess independently.
    """
    classes = int(labels.max()) + 1
    confusion = np.zeros((classes, classes))
    np.add.at(confusion, (labels.numpy(), predicted.numpy()), 1)
    generator = np.random.default_rng(0)
    accuracies = [confusion[np.arange(classes), generator.permutation(classes)].sum() for _ in range(draws)]
    low, high = np.quantile(accuracies, [0.005, 0.995]) / len(labels)
    return float(low), float(high)


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


def complaints(claims: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what is wrong with a checkpoint: claims that do not hold, and accuracies that are not good enough."""
    wrong = [
        f"{claim} is {now[claim]!r}, the manifest says {claims[claim]!r}"
        for claim in ("parameters", "training_accuracy", "held_out_accuracy")
        if abs(now[claim] - claims[claim]) > (0 if claim == "parameters" else TOLERANCE)
    ]
    if now["training_accuracy"] < LEAST_TRAINING_ACCURACY:
        wrong.append(f"training accuracy is below {LEAST_TRAINING_ACCURACY:.0%}")
    low, high = now["chance_range"]
    if claims["labels"] == "true" and now["held_out_accuracy"] < LEAST_HELD_OUT_ACCURACY:
        wrong.append(f"held-out accuracy is below {LEAST_HELD_OUT_ACCURACY:.0%}")
    if claims["labels"] == "random" and not low <= now["held_out_accuracy"] <= high:
        wrong.append(f"held-out accuracy is outside of chance, {low:.3f} to {high:.3f}")
    return wrong
