"""Training on a data set with a stereotype, and on a balanced one, as the paper's section 4.3 did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from ...data.biased_digits import load_biased_training, load_biased_validation
from ...foundation.errors import CheckpointError
from ..architectures import build_model
from .memorize import accuracy, rounded_to_half, train_epoch

CLASSES = 2


@dataclass(frozen=True)
class BiasRecipe:
    """How a network is trained. Plain values, as they stand in the manifest.

    Training ends at the first epoch with the validation accuracy ``target``, for both kinds alike: the validation data
    are drawn like the training data, as the paper's were, and the stereotype alone reaches 89 % of the biased ones.
    Weights begin at 0.7 x Glorot and Bengio's (2010): small enough for gradients to show what was learned rather than
    what the weights began with, large enough for eleven layers.
    """

    width: float = 0.046875
    initialization: str = "xavier_normal"
    gain: float = 0.7
    optimizer: str = "adam"
    learning_rate: float = 0.0003
    batch_size: int = 16
    target: float = 0.87
    most_epochs: int = 100


def train_on(
    kind: str, network: str, recipe: BiasRecipe, seed: int, on_epoch: Callable[[int, float, float], None]
) -> tuple[nn.Module, int]:
    """Train a network of two classes on ``"biased"`` or ``"balanced"`` data; return it and the epochs taken.

    The data and the weights depend on the arguments and the number of threads alone; the global random stream is left
    as found. ``on_epoch`` is told the epoch, the mean loss and the validation accuracy, which is that of the weights as
    they are shipped, in half precision.

    Raises CheckpointError where the target is not reached within ``recipe.most_epochs``.
    """
    training, validation = load_biased_training(kind, seed), load_biased_validation(kind, seed)
    images = training.images.contiguous(memory_format=torch.channels_last)
    with torch.random.fork_rng(devices=[]):  # dropout and initialisers know no generator of their own
        torch.manual_seed(seed)
        model = initialized(build_model(network, recipe.width, CLASSES), recipe.gain).to(
            memory_format=torch.channels_last
        )
        optimizer = torch.optim.Adam(model.parameters(), recipe.learning_rate)
        for epoch in range(1, recipe.most_epochs + 1):
            loss, _ = train_epoch(model, optimizer, images, training.classes, recipe.batch_size)
            shipped = rounded_to_half(model)
            reached = accuracy(shipped, validation.images, validation.classes)
            on_epoch(epoch, loss, reached)
            if reached >= recipe.target:
                return shipped.to(memory_format=torch.contiguous_format), epoch
    raise CheckpointError(
        f"{network} reached only {reached:.1%} of the {kind} validation data after {recipe.most_epochs} epochs, not "
        f"{recipe.target:.0%}: try another seed or more epochs"
    )


def initialized(model: nn.Module, gain: float) -> nn.Module:
    """Give convolutions and linear layers ``gain`` x Glorot and Bengio's normal weights and zero biases, in place."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.xavier_normal_(module.weight, gain)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model
