"""A user's own network, as its factory gives it: what all its twins are made from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from ...foundation.copying import copied
from ...foundation.errors import described
from ...foundation.inference import images_for, logits_of
from ...foundation.places import calling
from ..resolve import resolve_own_network
from ..training.recipe import Recipe


@dataclass(frozen=True)
class OwnNetwork:
    """The network that a spec, ``package.module:factory``, means. Its factory is called once."""

    spec: str

    @cached_property
    def _made(self) -> nn.Module:
        with calling(f"{self.spec}: making it"):
            return resolve_own_network(self.spec)

    def copy(self) -> nn.Module:
        """Return a copy of the network. Raises ImportError or TypeError if there is none."""
        return copied(self._made)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return its parameters and buffers by name, on the CPU."""
        return {name: value.cpu().contiguous() for name, value in self._made.state_dict().items()}

    def classes(self, images: torch.Tensor, device: torch.device) -> int:
        """Return how many classes it tells. Raises ValueError if it does not take the images, or tells one only."""
        model = self.copy().to(device)
        try:
            classes = logits_of(model, images_for(model, images[:2])).shape[1]
        except Exception as error:  # a network can raise anything for images that do not fit it
            shape = tuple(images.shape)
            raise ValueError(f"{self.spec} can't be run on the images {shape}: {described(error)}") from error
        if classes < 2:
            raise ValueError(f"{self.spec} has one class only: pytest_saliency_sanity.Logits(model) makes two of it")
        return classes


def own_recipe(learning_rate: float, target: float, most_epochs: int, least_epochs: int = 1) -> Recipe:
    """Return the recipe of a network of a user's own, which comes with its weights and its width."""
    return Recipe(
        width=1.0,
        initialization="",
        optimizer="adam",
        learning_rate=learning_rate,
        target=target,
        least_epochs=least_epochs,
        most_epochs=most_epochs,
        precision="float32",
    )


def trainable(model: nn.Module) -> nn.Module:
    """Return a network in float32, all of whose weights learn, those that its factory froze among them."""
    for parameter in model.float().parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return model
