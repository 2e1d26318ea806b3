"""A twin of a user's own network that memorised random labels, so that label randomisation is asked of it too.

It starts from new weights, not from the trained ones, which would keep what was learned from the true labels (Adebayo
et al. 2018, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...data.batch import Batch
from ...foundation.randomness import derived_seed
from ...foundation.signatures import misfit
from ..storage.record import digest
from ..training.recipe import Recipe
from ..training.training import Training, TrainingData
from .files import load
from .own import OwnNetwork, own_recipe, trainable

MEMORIZED = "memorized"
LEAST_TO_MEMORIZE = 50  # images; fewer are told apart by next to nothing
TARGET = 0.95
FROZEN = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}  # of torchvision, all of them buffers
RESETS = ("reset_parameters", "_reset_parameters")  # the latter of torch's attention and transformers


@dataclass(frozen=True)
class Twin:
    """What a twin is made from. ``own``: the network; ``batch``: the images to memorise, at least 50."""

    own: OwnNetwork
    batch: Batch
    seed: int = 0
    learning_rate: float = 1e-3
    most_epochs: int = 300

    def __post_init__(self) -> None:
        if len(self.batch) < LEAST_TO_MEMORIZE:
            raise ValueError(f"there are {len(self.batch)} images: give at least {LEAST_TO_MEMORIZE} to memorise")

    def classes(self, device: torch.device) -> int:
        """Return how many classes the network tells. Raises as ``OwnNetwork.classes``."""
        return self.own.classes(self.batch.images, device)

    def training(self, device: torch.device) -> Training:
        """Return the training at its beginning. Raises as ``classes``, and ValueError if no weights can be drawn."""
        classes = self.classes(device)
        generator = torch.Generator().manual_seed(derived_seed("twin", self.seed))
        labels = torch.randint(classes, (len(self.batch),), generator=generator)
        learned = Batch(self.batch.images.float().cpu(), labels)
        return Training(
            self.own.spec,
            TrainingData(learned, learned, f"{len(learned)} random labels", classes),
            self.recipe,
            self.seed,
            device,
            make=partial(renewed, self.own.copy()),
        )

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""
        return own_recipe(self.learning_rate, TARGET, self.most_epochs)

    @property
    def facts(self) -> dict[str, Any]:
        """What its weights depend on."""
        return {
            "of": self.own.spec,
            "kind": MEMORIZED,
            "network": {name: list(value.shape) for name, value in self.own.tensors().items()},
            "images": digest({"images": self.batch.images.cpu().contiguous()}, ""),
            "seed": self.seed,
            "recipe": self.recipe.facts(),
        }

    @property
    def otherwise(self) -> str:
        """What to try if it does not memorise them."""
        return f"memorise fewer images: this network may be too small for {len(self.batch)}"


def renewed(model: nn.Module) -> nn.Module:
    """Return a network with new weights, in float32: each module that knows how is reset, as when it was made.

    Weights that no module draws, such as the class token of a vision transformer or those of a parametrised layer, are
    shuffled, so that nothing is left of what they learned but how large they are. Frozen BatchNorm, as detectors have
    it, is reset by hand. Other buffers stay: they are made, not learned.

    Raises ValueError if there are no weights.
    """
    trained = {name: value.detach().clone() for name, value in model.named_parameters() if value.is_floating_point()}
    if not trained:
        raise ValueError(f"{type(model).__name__} has no weights, so it learns nothing")
    for module in model.modules():
        for reset in (getattr(module, name, None) for name in RESETS):
            if callable(reset) and not misfit(reset):
                reset()
        if "FrozenBatchNorm" in type(module).__name__:
            for buffer, number in FROZEN.items():
                getattr(module, buffer).fill_(number)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name in trained and torch.equal(value, trained[name]):
                value.copy_(value.flatten()[torch.randperm(value.numel())].view_as(value))
    return trainable(model)


def load_twin(spec: str, file: Path | str) -> nn.Module:
    """Return the twin of a network that memorised random labels, in evaluation mode, in float32 on the CPU.

    ``spec``: that of the network, ``package.module:factory``. ``file``: as ``checkpoints twin`` wrote it.

    Raises CheckpointError if the file is missing or damaged, ValueError if it is that of another network, ImportError
    or TypeError if there is no such network.
    """
    return load(spec, Path(file), MEMORIZED)[0]
