"""The share of a map that lies inside or outside a region."""

from __future__ import annotations

import torch
from torch.nn import functional as F

# Singular values below this share of the largest are rounding, or what clipping at 0 adds to an enlarged map. Above it,
# the shipped networks' enlarged and clipped Grad-CAM maps have 2 and 4 of 64, digits 15, their edges 20, gradients 60.
NOTHING, MOST = 1e-2, 1 / 8


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
    magnitudes, defined = scaled_magnitudes(maps)
    resized = F.interpolate(magnitudes[:, None], masks.shape[1:], mode="bilinear", antialias=True)[:, 0]
    inside = (resized * masks.cpu()).sum((1, 2)) / resized.sum((1, 2))
    return inside.where(defined, torch.nan)


def mass_outside(maps: torch.Tensor, inside: torch.Tensor) -> torch.Tensor:
    """Return the share of each map's magnitude in cells wholly outside a mask: float64 ``(N,)`` on the CPU, 0 to 1.

    ``maps``: ``(N, h, w)`` or ``(N, C, h, w)`` at any resolution, never resized: a cell covers all pixels that it
    touches. ``inside``: bool ``(H, W)``. NaN if a map is 0 everywhere or not finite.
    """
    magnitudes, defined = scaled_magnitudes(maps)
    # Its windows, from the floor of the first edge to the ceiling of the last, are the pixels that a cell touches.
    touched = F.adaptive_max_pool2d(inside.cpu().double()[None], magnitudes.shape[1:])[0]
    share = (magnitudes * (touched == 0)).sum((1, 2)) / magnitudes.sum((1, 2))
    return share.where(defined, torch.nan)


def are_enlarged(maps: torch.Tensor) -> bool:
    """Return whether most maps ``(N, h, w)`` were enlarged, to about eight times their sides or more.

    Enlarging by any separable interpolation, be it bilinear, bicubic or to the nearest, leaves the rank of a map as a
    matrix as it was: that of a 7 x 7 map is at most 7. Maps that are constant or not finite have no say.
    """
    defined = maps[scaled_magnitudes(maps)[1]].detach().cpu().double()
    if not len(defined):
        return False
    sides = torch.stack([(defined != 0).any(dim).sum(1) for dim in (1, 2)]).amin(0)  # without columns and rows of zeros
    ranks = torch.linalg.matrix_rank(defined, rtol=NOTHING)
    return bool((ranks <= sides * MOST).double().mean() > 0.5)


def scaled_magnitudes(maps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the maps' magnitudes ``(N, h, w)``, scaled to a largest value of 1, and whether each map is defined.

    Scaled, so that sums of tiny values do not vanish and sums of huge ones do not overflow. A map that is 0 everywhere
    or not finite is undefined; ones stand in its place.
    """
    magnitudes = maps.detach().cpu().double().abs()
    magnitudes = magnitudes.sum(1) if maps.ndim == 4 else magnitudes
    largest = magnitudes.amax((1, 2))
    defined = magnitudes.isfinite().all(2).all(1) & (largest > 0)
    return (magnitudes / largest[:, None, None]).where(defined[:, None, None], 1.0), defined
