"""What is kept of images and maps for the eye: a few, not too large."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from .maps import reduced

# How many images of a measurement are kept, and how many pixels their longer side has at most.
KEPT, LARGEST = 3, 112


def pictures_of(images: torch.Tensor) -> np.ndarray:
    """Return the first ``KEPT`` of the images ``(N, C, H, W)`` for the eye: uint8 ``(k, h, w, 1 or 3)``.

    Each picture is scaled so that its lowest value is black and its highest white, since the normalisation of the
    images is not known. Other than three channels are averaged.
    """
    some = _shrunk(images[:KEPT].detach().float().cpu())
    if some.shape[1] != 3:
        some = some.mean(1, keepdim=True)
    flat = some.flatten(1)
    low, high = flat.amin(1)[:, None, None, None], flat.amax(1)[:, None, None, None]
    scaled = (some - low) / (high - low).where(high > low, 1)
    pixels: np.ndarray = (scaled.nan_to_num() * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels


def maps_to_keep(maps: torch.Tensor, sign: str) -> np.ndarray:
    """Return the first ``KEPT`` of maps ``(N, h, w)`` or ``(N, C, h, w)``, read by ``sign``: float32 ``(k, h, w)``."""
    kept: np.ndarray = _shrunk(reduced(maps[:KEPT], sign).detach().float().cpu()[:, None])[:, 0].numpy()
    return kept.copy()  # a method may use its tensor again, and a part of it would keep all of it in memory


def _shrunk(pixels: torch.Tensor) -> torch.Tensor:
    """Return pictures ``(N, C, H, W)``, the larger ones averaged over areas, so that no side exceeds ``LARGEST``."""
    height, width = pixels.shape[2:]
    longer = max(height, width)
    if longer <= LARGEST:
        return pixels
    smaller = max(1, round(height * LARGEST / longer)), max(1, round(width * LARGEST / longer))
    return F.adaptive_avg_pool2d(pixels, smaller)
