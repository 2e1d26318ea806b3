"""What a saliency method is: a callable, nothing to subclass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

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


Method = TypeVar("Method", bound=Callable[..., torch.Tensor])


def plain_passes(method: Method) -> Method:
    """Mark a method that only runs the model forward and backward, on inputs that do not depend on its weights.

    Then stages of a cascade share the passes through their unchanged layers (``measuring.trunk``).
    """
    method.__saliency_plain_passes__ = True  # type: ignore[attr-defined]
    return method


def shares_work(method: object) -> bool:
    """Return whether a method is marked as one of plain passes, also with keywords bound to it."""
    while isinstance(method, partial):
        method = method.func
    return getattr(method, "__saliency_plain_passes__", False) is True


def method_name(method: SaliencyMethod) -> str:
    """Return the name of a method for messages: its own, or that of its class."""
    return str(getattr(method, "__name__", None) or type(method).__name__)
