"""A network with its trained weights, ready to be asked."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from ..architectures import build_model
from ..training.claims import Claims


def network_with(claims: Claims, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return the network that claims describe, with its trained weights in float32, in evaluation mode on the CPU."""
    with torch.device("meta"):  # no time and no random numbers for weights that are replaced at once
        model = build_model(claims.network, claims.recipe.width, claims.classes)
    model.load_state_dict(in_float32(weights), assign=True)
    # Convolutions with few channels are 1.6 times as fast in this layout on a CPU.
    return model.eval().to(memory_format=torch.channels_last)


def in_float32(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return tensors in float32; counts, such as BatchNorm's, as they are."""
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
