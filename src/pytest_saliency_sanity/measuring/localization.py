"""Where a map is: the share of it that lies inside a region."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def mass_inside(maps: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Return the share of each map's magnitude that lies inside its mask: float64 ``(N,)`` on the CPU, 0 to 1.

    ``maps``: ``(N, h, w)``, or ``(N, C, h, w)``, whose channels' magnitudes are summed; at another resolution than the
    masks they are resized to it bilinearly, as a picture of them would be. The share is that of the resized map: what
    the resizing adds or takes at the borders counts on both sides of the fraction. ``masks``: bool ``(N, H, W)``.

    NaN where a map is 0 throughout or not finite. Raises ValueError where there is not one mask a map.
    """
    if maps.ndim not in (3, 4) or masks.ndim != 3 or len(maps) != len(masks):
        raise ValueError(
            "maps must be (N, h, w) or (N, C, h, w) and masks (N, H, W), one a map; "
            f"got {tuple(maps.shape)} and {tuple(masks.shape)}"
        )
    magnitudes = maps.detach().cpu().double().abs()
    magnitudes = magnitudes.sum(1) if maps.ndim == 4 else magnitudes
    finite = magnitudes.isfinite().all(2).all(1)
    largest = magnitudes.amax((1, 2))
    defined = finite & (largest > 0)
    # Of tiny and of huge values alike, sums neither vanish nor overflow.
    scaled = magnitudes / largest[:, None, None]
    resized = F.interpolate(
        scaled.where(defined[:, None, None], 1.0)[:, None], masks.shape[1:], mode="bilinear", antialias=True
    )[:, 0]
    inside = (resized * masks.cpu()).sum((1, 2)) / resized.sum((1, 2))
    return inside.where(defined, torch.nan)
