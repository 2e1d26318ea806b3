"""What a saliency method is: a callable, nothing to subclass."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn


class SaliencyMethod(Protocol):
    """A callable ``(model, images, targets) -> maps``.

    ``images``: float ``(N, C, H, W)``, normalised for the model. ``targets``: long ``(N,)``, the class to explain.
    Returns one map per image, float ``(N, h, w)`` at any resolution, or raw attributions ``(N, C, h, w)``.
    """

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, /) -> torch.Tensor:
        """Return the maps."""
        ...


def method_name(method: SaliencyMethod) -> str:
    """Return the name of a method for messages: its own, or that of its class."""
    return str(getattr(method, "__name__", None) or type(method).__name__)
