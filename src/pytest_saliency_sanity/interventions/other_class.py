"""Explains another class of the same images on the same model: how much a map depends on the class explained."""

from __future__ import annotations

import torch
from torch import nn

from ..foundation.copying import copied
from ..foundation.inference import logits_of
from ..foundation.randomness import derived_seed
from .stage import OneStage, Stage


class OtherClass(OneStage):
    """The single stage ``other_class``: the same model, asked about another class of each image, drawn at random.

    The random-logit test of Sixt et al. 2020 (arXiv:1912.09818, section 5).
    """

    stage = "other_class"

    def __init__(self, model: nn.Module, *, seed: int = 0, images: torch.Tensor | None = None) -> None:
        self.model = model
        self.seed = seed
        self.given_images = images

    def bind(self, images: torch.Tensor, seed: int) -> OtherClass:
        """Return the same intervention for these images; its draw depends on ``seed``."""
        return OtherClass(self.model, seed=derived_seed(self.seed, seed), images=images)

    def only(self) -> Stage:
        """Return the stage. Its ``retarget`` raises ValueError if the model has fewer than two classes."""
        return Stage(self.stage, copied(self.model), retarget=self.others)

    def others(self, targets: torch.Tensor) -> torch.Tensor:
        """Return another class for each of ``targets`` ``(N,)``; all other classes are equally likely."""
        assert self.given_images is not None
        classes = logits_of(self.model, self.given_images[:1]).shape[1]
        if classes < 2:
            raise ValueError(f"{type(self.model).__name__} has {classes} class, so there is no other one to explain")
        generator = torch.Generator("cpu").manual_seed(self.seed)
        # One number after the other, so the first images get the same classes however many follow.
        steps = torch.randint(1, classes, targets.shape, generator=generator, device="cpu")
        return (targets + steps.to(targets.device)) % classes
