"""Two hundred digits to memorise, with true labels or with random ones (the paper, 4.1 and B.1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from ...data.batch import Batch
from ...data.mnist import CLASSES, SPLIT, load_held_out, load_training
from ...foundation.inference import logits_of
from ..architectures import OF_THE_PAPER
from .claims import Measured, Requirement
from .family import Family, count_parameters
from .recipe import Recipe
from .training import TrainingData, accuracy, share_right

TRUE, RANDOM = "true", "random"
LEAST_MEMORIZED = 0.95  # the paper's B.1
TRAINING, HELD_OUT = "training", "held-out"


def digits_family(
    name: str, recipe: Recipe, least_held_out: float, expected_epochs: Mapping[str, int] | None = None
) -> Family:
    """Return the family of networks that memorise digits by a recipe.

    ``least_held_out``: the accuracy on held-out digits that a network with true labels must reach.
    """
    memorized = Requirement(TRAINING, least=LEAST_MEMORIZED)
    return Family(
        name=name,
        networks=OF_THE_PAPER,
        kinds=(TRUE, RANDOM),
        classes=CLASSES,
        recipe=recipe,
        data=SPLIT,
        load=load_digits,
        measure=measure_digits,
        requirements={
            TRUE: (memorized, Requirement(HELD_OUT, least=least_held_out)),
            RANDOM: (memorized, Requirement(HELD_OUT, by_chance=True)),
        },
        expected_epochs=expected_epochs or {},
    )


def load_digits(labels: str, seed: int) -> TrainingData:
    """Return the training images with their true labels, or with the random ones of ``seed``."""
    data = load_training()
    assert data.targets is not None
    if labels == RANDOM:
        data = Batch(data.images, random_labels(data.targets, seed))
    return TrainingData(learned=data, judged_by=data, called="the labels", classes=CLASSES)


def random_labels(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the labels in random order (Adebayo et al. 2018, section 3.2): balanced as before, and meaningless."""
    return labels[torch.randperm(len(labels), generator=torch.Generator("cpu").manual_seed(seed))]


def measure_digits(model: nn.Module, labels: str, seed: int) -> Measured:
    """Return what a network reaches on the images that it learned and on those that were held out."""
    return measured_on(model, load_digits(labels, seed).learned, load_held_out())


def measured_on(model: nn.Module, learned: Batch, held_out: Batch) -> Measured:
    """Return what a network reaches on two batches with targets, and what chance would give on the second."""
    assert learned.targets is not None
    assert held_out.targets is not None
    predicted = logits_of(model, held_out.images).argmax(1)
    return Measured(
        parameters=count_parameters(model),
        accuracies={
            TRAINING: accuracy(model, learned.images, learned.targets),
            HELD_OUT: share_right(predicted, held_out.targets),
        },
        chance_range=chance_range(predicted, held_out.targets),
    )


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
