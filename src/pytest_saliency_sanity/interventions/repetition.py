"""The same model once more: what is left of a map when nothing but chance has changed."""

from __future__ import annotations

import torch
from torch import nn

from .stage import OneStage, Stage


class Repetition(OneStage):
    """The one stage ``again``: the model as it is. A method that draws random numbers draws others."""

    stage = "again"

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def bind(self, images: torch.Tensor, seed: int) -> Repetition:
        """Return itself: it is the method that differs, if anything does."""
        return self

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.stage, self.model)
