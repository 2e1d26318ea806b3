"""Spearman's rank correlation of saliency maps (the paper, appendix D), batched, with average ranks for ties."""

from __future__ import annotations

import torch


def spearman(maps_a: torch.Tensor, maps_b: torch.Tensor) -> torch.Tensor:
    """Return the rank correlation of each pair of maps: float64 ``(N,)`` in [-1, 1] from two ``(N, ...)``.

    Signs count; all dimensions after the first form one map. Ties get their average rank, as in
    ``scipy.stats.spearmanr``; without ties this is 1 - 6 sum d^2 / (n (n^2 - 1)), the paper's formula. NaN if a map of
    the pair is constant or not finite.

    Raises TypeError for anything but tensors, ValueError for maps of unequal shapes or of a single value.
    """
    for maps in (maps_a, maps_b):
        if not isinstance(maps, torch.Tensor):
            raise TypeError(f"maps must be torch.Tensors (N, ...), not {type(maps).__name__}")
    if maps_a.shape != maps_b.shape:
        raise ValueError(f"maps must have the same shape to be compared: {tuple(maps_a.shape)}, {tuple(maps_b.shape)}")
    return correlation(standard_ranks(maps_a), standard_ranks(maps_b))


def standard_ranks(maps: torch.Tensor) -> torch.Tensor:
    """Return each map's ranks, centred and scaled to length 1: float64 ``(N, P)`` on the CPU from ``(N, ...)``.

    All NaN for a map that is constant or not finite. The product of two such rows is their rank correlation.
    """
    if maps.ndim < 2 or maps.shape[1:].numel() < 2:
        raise ValueError(f"maps must have the shape (N, ...), with at least two values each; got {tuple(maps.shape)}")
    # On the CPU in float64: the same numbers on every device, and MPS has no float64.
    values = maps.detach().flatten(1).cpu().double()
    ranks = average_ranks(values)
    centred = ranks - ranks.mean(1, keepdim=True)
    length = centred.square().sum(1, keepdim=True).sqrt()  # norm() is 20 times slower along a dimension
    undefined = (length == 0) | ~values.isfinite().all(1, keepdim=True)
    return (centred / length).masked_fill(undefined, torch.nan)


def correlation(ranks_a: torch.Tensor, ranks_b: torch.Tensor) -> torch.Tensor:
    """Return the rank correlation ``(N,)`` of maps given by their standard ranks ``(N, P)``."""
    return (ranks_a * ranks_b).sum(1).clamp(-1, 1)


def average_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the rank of each value in its row, counted from 0; equal values share their average rank: ``(N, P)``."""
    ordered, order = values.sort(1)
    first_of_ties = torch.ones_like(ordered, dtype=torch.bool)
    first_of_ties[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    group = first_of_ties.cumsum(1) - 1
    positions = torch.arange(values.shape[1], dtype=torch.float64, device=values.device).expand_as(ordered)
    size = torch.zeros_like(ordered).scatter_add_(1, group, torch.ones_like(ordered))
    total = torch.zeros_like(ordered).scatter_add_(1, group, positions)
    shared = (total / size).gather(1, group)
    return torch.empty_like(ordered).scatter_(1, order, shared)
