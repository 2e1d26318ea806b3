"""The share of a map that lies inside a region."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def mass_inside(maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the share of each map's magnitude that lies inside its mask: float64 ``(N,)`` on the CPU, 0 to 1.

    ``maps``: ``(N, h, w)``, or ``(N, C, h, w)``, whose channels' magnitudes are summed. If their resolution is not that
    of the masks, they are resized bilinearly, like a picture. The share is that of the resized map, so what the
    resizing changes at the borders counts in numerator and denominator. ``masks``: bool ``(N, H, W)``.

    NaN if a map is 0 everywhere or not finite. Raises ValueError unless there is one mask per map.
    """
    if maps.ndim not in (3, 4) or masks.ndim != 3 or len(maps) != len(masks):
        raise ValueError(
            "maps must be (N, h, w) or (N, C, h, w) and masks (N, H, W), one per map; "
            f"got {tuple(maps.shape)} and {tuple(masks.shape)}"
        )
    magnitudes = maps.detach().cpu().double().abs()
    magnitudes = magnitudes.sum(1) if maps.ndim == 4 else magnitudes
    finite = magnitudes.isfinite().all(2).all(1)
    largest = magnitudes.amax((1, 2))
    defined = finite & (largest > 0)
    # Scaled, so that sums of tiny values do not vanish and sums of huge ones do not overflow.
    scaled = magnitudes / largest[:, None, None]
    resized = F.interpolate(
        scaled.where(defined[:, None, None], 1.0)[:, None], masks.shape[1:], mode="bilinear", antialias=True
    )[:, 0]
    inside = (resized * masks.cpu()).sum((1, 2)) / resized.sum((1, 2))
    return inside.where(defined, torch.nan)
