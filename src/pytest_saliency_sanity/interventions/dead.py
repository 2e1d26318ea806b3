"""Finds dead networks, whose logits no longer depend on the input. Their maps would mean nothing."""

from __future__ import annotations

import torch
from torch import nn

from ..foundation.copying import copied
from ..foundation.inference import logits_of

SAMPLE = 8
# If logits differ by more than this many roundings of their type, the model is alive without a closer look.
CLEARLY_ALIVE = 100
# In float64, rounding is about 1e-16 of the logits' size. The paper's N(0, 0.01^2) leaves 5e-10 on the smallest VGG11.
ALIVE = 1e-13


def cause_of_death(model: nn.Module, images: torch.Tensor) -> str | None:
    """Return why a model is dead: its logits are not finite, or the same for every image; None if it is alive.

    It is tried on up to eight of ``images`` ``(N, C, H, W)`` and a blank one. With small weights, the part that depends
    on the input can fall below the rounding of float32 while gradients are still exact; so float64 decides.
    """
    sample = torch.cat([images[:SAMPLE], torch.zeros_like(images[:1])])
    logits = logits_of(model, sample)
    if not bool(logits.isfinite().all()):
        return "its logits are not finite"
    if is_clearly_alive(logits):
        return None
    precise = copied(model).cpu().double()
    if relative_spread(logits_of(precise, sample.cpu().double())) > ALIVE:
        return None
    return "its logits do not depend on the image"


def is_clearly_alive(logits: torch.Tensor) -> bool:
    """Return whether logits ``(N, classes)`` are finite, and differ between images by far more than rounding."""
    finite = bool(logits.isfinite().all())
    return finite and relative_spread(logits) > CLEARLY_ALIVE * torch.finfo(logits.dtype).eps


def relative_spread(logits: torch.Tensor) -> float:
    """Return the largest difference between images, divided by the largest logit; 0 if all logits are 0."""
    size = float(logits.abs().max())
    return float((logits.amax(0) - logits.amin(0)).max()) / size if size else 0.0
