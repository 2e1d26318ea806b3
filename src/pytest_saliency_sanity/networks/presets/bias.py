"""Training and verifying the networks of the bias scenario that the package ships."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from ...data.biased_digits import KINDS, SPLIT, load_biased_validation, load_counter_stereotypes
from ...foundation.errors import CheckpointError
from ...foundation.inference import logits_of
from ..architectures import MODELS
from ..storage.bias import BIAS, REBUILD
from ..storage.store import load_weights, read_manifest, save_checkpoint
from ..training.bias_training import CLASSES, BiasRecipe, train_on
from ..training.claims import TOLERANCE, versions
from ..training.memorize import accuracy

# What the paper reports of its test set, photographs against the stereotype (section 4.3).
MOST_BIASED_ACCURACY, LEAST_BALANCED_ACCURACY = 0.56, 0.81


def train_bias(folder: Path = BIAS, *, seed: int = 1, recipe: BiasRecipe | None = None) -> Iterator[dict[str, Any]]:
    """Train every network on biased and on balanced data, with a progress bar; yield the claims about each, as saved.

    Raises CheckpointError where a network does not learn its data.
    """
    recipe = recipe or BiasRecipe()
    for network in MODELS:
        for kind in KINDS:
            bar = tqdm(total=recipe.most_epochs, desc=f"{network}, {kind}", unit="epoch")

            def on_epoch(epoch: int, loss: float, reached: float, bar: tqdm[Any] = bar) -> None:
                bar.update()
                bar.set_postfix(loss=f"{loss:.3f}", accuracy=f"{reached:.3f}")

            with bar:
                model, epochs = train_on(kind, network, recipe, seed, on_epoch)
            yield save_checkpoint(model, bias_claims(model, network, kind, recipe, seed, epochs), folder)


def bias_claims(
    model: nn.Module, network: str, kind: str, recipe: BiasRecipe, seed: int, epochs: int
) -> dict[str, Any]:
    """Return what the manifest says of a network, in plain values."""
    return {
        "network": network,
        "labels": kind,
        "classes": CLASSES,
        "seed": seed,
        "recipe": dict(vars(recipe)),
        "data": SPLIT,
        "epochs": epochs,
        **bias_measured(model, kind, seed),
        "versions": versions(),
    }


def bias_measured(model: nn.Module, kind: str, seed: int) -> dict[str, Any]:
    """Return the claims that can be measured again.

    ``validation_accuracy``: on data drawn like the training data. ``counter_accuracy``: on the counter-stereotypes, and
    by class.
    """
    validation, test = load_biased_validation(kind, seed), load_counter_stereotypes()
    right = logits_of(model, test.images).argmax(1) == test.classes
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "validation_accuracy": accuracy(model, validation.images, validation.classes),
        "counter_accuracy": float(right.double().mean()),
        "counter_accuracy_by_class": [float(right[test.classes == label].double().mean()) for label in range(CLASSES)],
    }


def verify_bias(folder: Path = BIAS) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Measure every claim of the manifest again; yield each network's name, measurements and complaints.

    Raises CheckpointError where a file or a network is missing or damaged.
    """
    manifest = read_manifest(folder)["checkpoints"]
    for name, claims in manifest.items():
        now = bias_measured(load_weights(folder / claims["file"], claims), claims["labels"], claims["seed"])
        yield name, now, bias_complaints(claims, now)
    missing = [f"{network}-{kind}" for network in MODELS for kind in KINDS if f"{network}-{kind}" not in manifest]
    if missing:
        raise CheckpointError(f"{folder / 'manifest.json'} lists no {', '.join(missing)}. Rebuild it: {REBUILD}")


def bias_complaints(claims: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what is wrong with a network: claims that do not hold, and accuracies that are not the paper's."""
    wrong = [
        f"{claim} is {now[claim]!r}, the manifest says {claims[claim]!r}"
        for claim in ("parameters", "validation_accuracy", "counter_accuracy")
        if abs(now[claim] - claims[claim]) > (0 if claim == "parameters" else TOLERANCE)
    ]
    reached = now["counter_accuracy"]
    if claims["labels"] == "biased" and reached > MOST_BIASED_ACCURACY:
        wrong.append(f"accuracy on counter-stereotypes is above {MOST_BIASED_ACCURACY:.0%}: it is not biased")
    if claims["labels"] == "balanced" and reached < LEAST_BALANCED_ACCURACY:
        wrong.append(f"accuracy on counter-stereotypes is below {LEAST_BALANCED_ACCURACY:.0%}: it is not balanced")
    return wrong
