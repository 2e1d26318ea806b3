"""Spearman's rank correlation of saliency maps (the paper, appendix D), batched, with average ranks for ties."""

from __future__ import annotations

import numpy as np
import torch

from . import ranks_on_gpu

BLOCK = 2**15  # how many values are ranked at once, or one map: what is made of them stays in a processor's cache


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
    blocks = zip(_blocks(maps_a), _blocks(maps_b.to(maps_a.device)), strict=True)
    return torch.cat([correlation(standard_ranks(some_a), standard_ranks(some_b)) for some_a, some_b in blocks])


def standard_ranks(maps: torch.Tensor) -> torch.Tensor:
    """Return each map's ranks, centred and scaled to length 1: float64 ``(N, P)`` from ``(N, ...)``.

    All NaN for a map that is constant or not finite. The product of two such rows is their rank correlation. They are
    on the CPU, or on the CUDA device that the maps are on. Raises ValueError for maps of a single value.
    """
    blocks = _blocks(maps)
    if maps.is_cuda:
        return torch.cat([ranks_on_gpu.standard_ranks(block) for block in blocks])
    # Not torch.empty: numpy asks for large pages, which are filled faster.
    found = torch.from_numpy(np.empty((len(maps), maps.shape[1:].numel())))
    for block, into in zip(blocks, _blocks(found), strict=True):
        # In float64: the same numbers on every device. On the CPU, as MPS has no float64.
        values = block.double().contiguous()
        centred = average_ranks(values).numpy()
        centred -= (values.shape[1] - 1) / 2
        length = np.sqrt(np.einsum("np,np->n", centred, centred))
        lowest, highest = values.numpy().min(1), values.numpy().max(1)  # NaN if any value is
        length[~((lowest > -np.inf) & (lowest < highest) & (highest < np.inf))] = np.nan
        np.divide(centred, length[:, None], out=into.numpy())
    return found


def correlation(ranks_a: torch.Tensor, ranks_b: torch.Tensor) -> torch.Tensor:
    """Return the rank correlation ``(N,)``, on the CPU, of maps given by their standard ranks ``(N, P)``.

    Rounded to 12 decimals, so that it is exactly 1 if the ranks are the same, as a threshold of 1 needs.
    """
    products: torch.Tensor
    if ranks_a.is_cuda:
        products = torch.linalg.vecdot(ranks_a, ranks_b).cpu()
    else:  # torch would make (N, P) products first
        products = torch.from_numpy(np.einsum("np,np->n", ranks_a.numpy(), ranks_b.numpy()))
    return products.round(decimals=12).clamp(-1, 1)


def average_ranks(values: torch.Tensor) -> torch.Tensor:
    """Return the rank of each value in its row, counted from 0; equal values share their average rank: ``(N, P)``.

    From float64 on the CPU. NaN ranks above all else, and equals nothing.
    """
    array = values.contiguous().numpy()
    levels = _levels(array)
    return torch.from_numpy(_by_sorting(array) if levels is None else _by_counting(levels))


def _blocks(maps: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return maps ``(N, ...)`` as rows ``(n, P)`` where they are ranked, as many at once as it is best to."""
    pixels = maps.shape[1:].numel()
    if maps.ndim < 2 or pixels < 2:
        raise ValueError(f"maps must have the shape (N, ...), with at least two values each; got {tuple(maps.shape)}")
    rows = maps.detach().flatten(1)
    rows, block = (rows, ranks_on_gpu.BLOCK) if maps.is_cuda else (rows.cpu(), BLOCK)
    blocks: tuple[torch.Tensor, ...] = rows.split(max(1, block // pixels))
    return blocks


def _levels(values: np.ndarray) -> np.ndarray | None:
    """Return values ``(N, P)`` as integers from 0, below P in each row; None if they differ by more or by less."""
    lowest = values.min(1, keepdims=True)
    few = values.max(1, keepdims=True) < lowest + values.shape[1]  # not if any value is NaN
    if not few.all() or (np.rint(values) != values).any():
        return None
    levels: np.ndarray = (values - lowest).astype(np.int64)
    return levels


def _by_counting(levels: np.ndarray) -> np.ndarray:
    """Return the average ranks of integers ``(N, P)`` from 0, without sorting them."""
    rows, span = len(levels), int(levels.max(initial=0)) + 1
    levels = levels + span * np.arange(rows)[:, None]
    sizes = np.bincount(levels.ravel(), minlength=rows * span).reshape(rows, span)
    ranks: np.ndarray = sizes.cumsum(1) - (sizes + 1) / 2
    return ranks.take(levels)


def _by_sorting(values: np.ndarray) -> np.ndarray:
    """Return the average ranks of any values ``(N, P)``."""
    rows, pixels = values.shape
    ordered, order = _sorted(values)
    # Where another value begins, in all the rows one after another, and where they end.
    begins = np.ones(values.size + 1, dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=begins[:-1].reshape(rows, pixels)[:, 1:])
    edges = np.flatnonzero(begins)
    shared = np.repeat((edges[1:] + edges[:-1] - 1) / 2, np.diff(edges))
    ranks = np.empty((rows, pixels))
    ranks.reshape(-1)[order.ravel()] = shared
    ranks -= pixels * np.arange(rows)[:, None]
    return ranks


def _sorted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's values ``(N, P)`` from the lowest to the highest, and their places in all the rows.

    To sort integers is several times faster than to find an order (``np.argsort``). So the bits of a value, as an
    integer of the same order, make room for its place in the lowest ones, where float32 and coarser values have none.
    Of values that differ only there, which is rare, the order may be wrong, and is found anew.
    """
    places = np.arange(values.size).reshape(values.shape)
    room = (1 << values.size.bit_length()) - 1
    bits = (values + 0.0).view(np.int64)  # + 0.0: -0.0 becomes 0.0
    bits ^= (bits >> 63) | np.iinfo(np.int64).min  # of two negative values, the lower has the higher bits
    bits &= ~room
    bits |= places
    bits.view(np.uint64).sort(axis=1)
    bits &= room
    ordered = values.take(bits)
    wrong = ~(ordered[:, 1:] >= ordered[:, :-1]).all(1)
    if wrong.any():
        bits[wrong] = values[wrong].argsort(1) + places[wrong, :1]
        ordered = values.take(bits)
    return ordered, bits
