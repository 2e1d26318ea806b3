"""Ranks of maps on the GPU that they are on, so that only their correlations are copied to the CPU.

Nothing here waits for the GPU. The numbers are those of ``ranks``, which takes what is faster on a CPU.
"""

from __future__ import annotations

import torch

BLOCK = 2**23  # how many values are ranked at once, or one map: 64 MB as float64, in some eight such arrays


def standard_ranks(maps: torch.Tensor) -> torch.Tensor:
    """Return each map's ranks, centred and scaled to length 1: float64 ``(N, P)`` from ``(N, P)``, on its device.

    All NaN for a map that is constant or not finite.
    """
    values = maps.double()
    centred = average_ranks(values) - (values.shape[1] - 1) / 2
    defined = values.isfinite().all(1) & (values.amin(1) < values.amax(1))
    return centred / torch.where(defined, centred.norm(dim=1), torch.nan)[:, None]


def average_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the rank of each value in its row, counted from 0; equal values share their average rank: ``(N, P)``."""
    rows, pixels = values.shape
    ordered, order = values.sort(1)
    differs = ordered[:, 1:] != ordered[:, :-1]
    edge = torch.ones(rows, 1, dtype=torch.bool, device=values.device)
    places = torch.arange(pixels, device=values.device).expand(rows, pixels)
    first = places.where(torch.cat([edge, differs], 1), 0).cummax(1).values
    last = places.where(torch.cat([differs, edge], 1), pixels - 1).flip(1).cummin(1).values.flip(1)
    return torch.empty_like(values).scatter_(1, order, (first + last).to(values.dtype) / 2)
