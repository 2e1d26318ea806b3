"""The weights that a training begins with."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

Fill = Callable[[torch.Tensor, float], object]


def _kaiming_normal(weight: torch.Tensor, gain: float) -> None:
    if gain != 1:
        raise ValueError(f"He et al.'s initialisation has a gain of its own; got {gain}")
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def _fill(model: nn.Module, gain: float, *, weights: Fill) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            weights(module.weight, gain)
            if module.bias is not None:  # none stands before a BatchNorm
                nn.init.zeros_(module.bias)


def _leave(model: nn.Module, gain: float) -> None:
    if gain != 1:
        raise ValueError(f"PyTorch's own initialisation has no gain; got {gain}")


# What is done to convolutions and linear layers: He et al.'s normal weights (2015, arXiv:1502.01852) or Glorot and
# Bengio's (2010) times a gain, with zero biases; or nothing.
INITIALIZATIONS: dict[str, Callable[[nn.Module, float], None]] = {
    "kaiming_normal": partial(_fill, weights=_kaiming_normal),
    "xavier_normal": partial(_fill, weights=nn.init.xavier_normal_),
    "pytorch": _leave,
}


def initialize(model: nn.Module, initialization: str, gain: float = 1.0) -> nn.Module:
    """Draw a model's weights anew from the global random stream, in place; return it."""
    INITIALIZATIONS[initialization](model, gain)
    return model
