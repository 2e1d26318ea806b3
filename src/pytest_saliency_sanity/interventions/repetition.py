"""Explains the same model once more: how much maps differ if only random numbers change."""

from __future__ import annotations

import torch
from torch import nn

from ..foundation.copying import copied
from .stage import OneStage, Stage


class Repetition(OneStage):
    """The single stage ``again``: the same model. A method that draws random numbers draws other ones."""

    stage = "again"

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def bind(self, images: torch.Tensor, seed: int) -> Repetition:
        """Return itself: nothing about the model is drawn."""
        return self

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.stage, copied(self.model))
