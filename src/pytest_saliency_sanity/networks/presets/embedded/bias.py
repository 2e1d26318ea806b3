"""The shipped networks that learned a stereotype, and those that did not (the paper, 4.3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ....data.batch import Batch
from ....data.bias_scenario import BiasScenario
from ....data.biased_digits import (
    COUNTER_STEREOTYPES,
    KINDS,
    SPLIT,
    load_biased_training,
    load_biased_validation,
    load_counter_stereotypes,
)
from ....foundation.inference import logits_of
from ...architectures import MODELS
from ...storage.shipped import ShippedNetworks
from ...training.claims import Measured, Requirement
from ...training.family import Family, count_parameters
from ...training.recipe import Recipe
from ...training.training import TrainingData, accuracy, share_right

FOLDER = Path(__file__).parents[2] / "weights" / "bias"
CLASSES = 2
BIASED, BALANCED = KINDS
VALIDATION, COUNTER = "validation", "counter-stereotypes"
LEAST_SHOWN = 200

# Training ends at the first epoch with this validation accuracy, for both kinds alike: the validation data are drawn
# like the training data, as the paper's were, and the stereotype alone reaches 89 % of the biased ones. Weights begin
# at 0.7 x Glorot and Bengio's: small enough for gradients to show what was learned rather than what the weights began
# with, large enough for eleven layers.
RECIPE = Recipe(
    width=0.046875,
    initialization="xavier_normal",
    gain=0.7,
    optimizer="adam",
    learning_rate=0.0003,
    target=0.87,
    least_epochs=1,
    most_epochs=100,
    precision="float16",
    layout="channels_last",
)
# BatchNorm makes weights matter by their direction alone. That of small ones changes in few steps, so that gradients
# show what was learned and not what the weights began with; a low rate keeps the stereotype before the class.
OF_RESNET = replace(RECIPE, width=0.1875, gain=0.02, learning_rate=0.00003, least_epochs=8, noise=0.65)


def load_bias_data(kind: str, seed: int) -> TrainingData:
    """Return the training images of a kind, and validation images that were drawn like them."""
    learned, validation = load_biased_training(kind, seed), load_biased_validation(kind, seed)
    return TrainingData(learned.batch, validation.batch, f"the {kind} validation data", CLASSES)


def measure_bias(model: nn.Module, kind: str, seed: int) -> Measured:
    """Return what a network reaches on data drawn like the training data, and on those against the stereotype."""
    validation, test = load_biased_validation(kind, seed), load_counter_stereotypes()
    predicted = logits_of(model, test.images).argmax(1)
    of_classes = [(label, test.classes == label) for label in range(CLASSES)]
    return Measured(
        parameters=count_parameters(model),
        accuracies={
            VALIDATION: accuracy(model, validation.images, validation.classes),
            COUNTER: share_right(predicted, test.classes),
            **{of_class(label): share_right(predicted[rows], test.classes[rows]) for label, rows in of_classes},
        },
    )


def of_class(label: int) -> str:
    """Return what the accuracy on the counter-stereotypes of one class is called."""
    return f"{COUNTER} (class {label})"


BIAS = Family(
    name="bias",
    networks=tuple(MODELS),
    kinds=KINDS,
    classes=CLASSES,
    recipe=RECIPE,
    own_recipes={"resnet": OF_RESNET},
    data=SPLIT,
    load=load_bias_data,
    measure=measure_bias,
    # What the paper reports of its test set, photographs against the stereotype (section 4.3).
    requirements={
        BIASED: (Requirement(COUNTER, most=0.56, otherwise="it is not biased"),),
        BALANCED: (Requirement(COUNTER, least=0.81, otherwise="it is not balanced"),),
    },
)


def shipped_bias(folder: Path | None = None) -> ShippedNetworks:
    """Return the networks in a folder, by default the package's own."""
    return ShippedNetworks(BIAS, folder or FOLDER)


def load_bias_checkpoint(network: str, kind: str) -> nn.Module:
    """Return a shipped network of two classes in evaluation mode, on the CPU in float32.

    ``network``: ``"alexnet"``, ``"vgg11"`` or ``"resnet"``. ``kind``: ``"biased"`` or ``"balanced"``, what it was
    trained on.

    Raises ValueError for a name that does not exist, CheckpointError for a file that is missing or damaged.
    """
    return shipped_bias().load(network, kind)


def shipped_scenario(network: str, images: int, device: torch.device | str = "cpu") -> BiasScenario:
    """Return the shipped biased and balanced networks and the first counter-stereotypes, ``images`` or more of them.

    At least 200, since each is explained only twice and their masses differ much, and at most all 400.
    """
    test = load_counter_stereotypes(min(max(images, LEAST_SHOWN), COUNTER_STEREOTYPES))
    biased, balanced = (load_bias_checkpoint(network, kind).to(device) for kind in (BIASED, BALANCED))
    return BiasScenario(biased, balanced, Batch(test.images.to(device)), test.masks)
