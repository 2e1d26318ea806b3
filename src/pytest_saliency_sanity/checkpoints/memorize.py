"""Training on 200 images until they are memorised, with true labels or with random ones (the paper, 4.1 and B.1)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ..data.batch import Batch
from ..errors import CheckpointError
from ..models import build_model
from ..models.inference import logits_of


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Plain values, as they stand in the manifest.

    The paper's recipe (SGD 0.001, momentum 0.9, PyTorch's default initialisation) leaves networks this narrow on a
    plateau, so this one is He et al.'s initialisation (2015, arXiv:1502.01852) and Adam (2015, arXiv:1412.6980).
    Training goes on past ``target`` until ``least_epochs``: the held-out accuracy of the true labels gains from it.
    """

    width: float = 0.09375
    initialization: str = "kaiming_normal"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    batch_size: int = 16
    target: float = 0.99
    least_epochs: int = 100
    most_epochs: int = 600


def random_labels(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the labels in random order (Adebayo et al. 2018, section 3.2): balanced as before, and meaningless."""
    return labels[torch.randperm(len(labels), generator=torch.Generator("cpu").manual_seed(seed))]


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of images that the model, in evaluation mode, gives the label."""
    return float((logits_of(model, images).argmax(1) == labels).double().mean())


def memorize(
    network: str, data: Batch, recipe: Recipe, seed: int, on_epoch: Callable[[int, float, float], None]
) -> tuple[nn.Module, int]:
    """Train a network on all of ``data`` until ``recipe.target``; return it, in evaluation mode, and the epochs taken.

    The weights depend on the arguments and the number of threads alone; the global random stream is left as found.
    ``on_epoch`` is told the epoch, the mean loss and the accuracy. The accuracy is that of the weights as they are
    shipped, in half precision.

    Raises CheckpointError where the target is not reached within ``recipe.most_epochs``.
    """
    assert data.targets is not None
    with torch.random.fork_rng(devices=[]):  # dropout and initialisers know no generator of their own
        torch.manual_seed(seed)
        model = initialized(build_model(network, recipe.width))
        optimizer = torch.optim.Adam(model.parameters(), recipe.learning_rate)
        for epoch in range(1, recipe.most_epochs + 1):
            loss = train_epoch(model, optimizer, data.images, data.targets, recipe.batch_size)
            shipped = in_shipped_precision(model)
            reached = accuracy(shipped, data.images, data.targets)
            on_epoch(epoch, loss, reached)
            if epoch >= recipe.least_epochs and reached >= recipe.target:
                return shipped, epoch
    raise CheckpointError(
        f"{network} reached only {reached:.1%} of the labels after {epoch} epochs, not {recipe.target:.0%}: "
        f"try another seed, a larger width or more epochs"
    )


def initialized(model: nn.Module) -> nn.Module:
    """Give convolutions and linear layers He et al.'s normal weights and zero biases, in place."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, batch_size: int
) -> float:
    """Show the model every image once, in random order; return the mean loss."""
    model.train()
    total = 0.0
    for rows in torch.randperm(len(images)).split(batch_size):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
    return total / len(images)


def in_shipped_precision(model: nn.Module) -> nn.Module:
    """Return a copy whose weights went through half precision, in evaluation mode: what a user will load."""
    return copy.deepcopy(model).half().float().eval()
