"""Randomisation of labels (the paper, section 4.1): the same network, trained to memorise labels that mean nothing."""

from __future__ import annotations

import torch
from torch import nn

from ..foundation.copying import copied
from .stage import OneStage, Stage


class LabelRandomizer(OneStage):
    """The single stage ``random_labels``: ``memorized_model`` in place of ``model``, which was trained on true labels.

    Raises ValueError if the two do not have the same architecture.
    """

    stage = "random_labels"
    repeats = False

    def __init__(self, model: nn.Module, memorized_model: nn.Module) -> None:
        if shapes_of(model) != shapes_of(memorized_model):
            raise ValueError(
                f"memorized_model ({type(memorized_model).__name__}) has another architecture than model "
                f"({type(model).__name__}): it must be the same network, trained on random labels"
            )
        self.model = model
        self.memorized_model = memorized_model

    def bind(self, images: torch.Tensor, seed: int) -> LabelRandomizer:
        """Return itself: the labels were drawn before the model was trained."""
        return self

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.stage, placed_like(self.model, copied(self.memorized_model)))


def placed_like(model: nn.Module, other: nn.Module) -> nn.Module:
    """Return another network of the same shapes on the device of a model, each tensor in its precision there."""
    own = model.state_dict()
    first = next(iter(own.values()), None)
    placed = other if first is None else other.to(first.device)
    for name, tensor in placed.state_dict(keep_vars=True).items():
        tensor.data = tensor.data.to(own[name])  # its device and type
    return placed


def shapes_of(model: nn.Module) -> dict[str, torch.Size]:
    """Return the shape of every parameter and buffer of a model, by name."""
    return {name: tensor.shape for name, tensor in model.state_dict().items()}
