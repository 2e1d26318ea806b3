"""Weights before and after: all of a model's at one time, bit for bit, and what else a model may be left with."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer

Weights = dict[str, torch.Tensor]


def weights_of(model: nn.Module) -> Weights:
    """Return a copy of every parameter and buffer."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a: Weights, b: Weights) -> bool:
    """Return whether weights are the same, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def last_of(randomizer: CascadingRandomizer) -> Weights:
    """Return the weights of a cascade's last stage."""
    (stage,) = randomizer.stages(randomizer.names("last"))
    return weights_of(stage.model)


def snapshot(model: nn.Module) -> list[Any]:
    """Return everything of a model that could be left otherwise than found, but its weights."""
    return [
        [(name, module.training, *hooks_of(module)) for name, module in model.named_modules()],
        [
            (name, parameter.requires_grad, parameter.grad, id(parameter))
            for name, parameter in model.named_parameters()
        ],
    ]


def hooks_of(module: nn.Module) -> list[int]:
    """Return how many hooks of each kind a module has."""
    return [len(hooks) for name, hooks in vars(module).items() if name.endswith("_hooks")]
