"""Estimates the running statistics of normalisation layers anew for a randomised model.

With the statistics of the trained weights, the signal of a randomised network would shrink or grow from layer to layer
until nothing of the input is left.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from ..foundation.inference import max_rows
from .units import running_mean


def reestimate(model: nn.Module, names: Collection[str], images: torch.Tensor) -> None:
    """Set the running statistics of the named modules, if they have any, to those of ``images``, in place."""
    modules = dict(model.named_modules())
    kept = [modules[name] for name in names if running_mean(modules[name]) is not None]
    if not kept:
        return
    momenta = [module.momentum for module in kept]
    try:
        for module in kept:
            module.reset_running_stats()
            module.momentum = None  # a plain average over all batches
            module.train()
        with torch.no_grad():
            for chunk in images.split(max_rows(images)):
                model(chunk)
    finally:
        for module, momentum in zip(kept, momenta, strict=True):
            module.momentum = momentum
            module.eval()
