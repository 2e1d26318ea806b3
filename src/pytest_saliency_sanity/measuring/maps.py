"""Calls a method and validates what it returns: a batch of maps, or an error that says what is wrong with it."""

from __future__ import annotations

import math

import torch
from torch import nn

from ..foundation.errors import SaliencyMethodError
from ..foundation.inference import max_rows
from ..foundation.randomness import derived_seed, isolated_streams
from ..methods.protocol import SaliencyMethod

SIGNS = ("absolute", "signed")
LEVELS = 256


def maps_of(
    method: SaliencyMethod, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, name: str, seed: int
) -> torch.Tensor:
    """Return a method's maps ``(N, h, w)`` or ``(N, C, h, w)``, detached, in batches that fit in memory.

    ``name``: the method, model and stage, for errors. ``seed``: seeds the global random streams during the calls.

    Raises SaliencyMethodError if the method raises or returns anything else.
    """
    maps = []
    rows = max_rows(images)
    for start in range(0, len(images), rows):
        some = images[start : start + rows].clone()
        with isolated_streams(derived_seed(seed, start)):
            try:
                returned = method(model, some, targets[start : start + rows].clone())
            except Exception as error:
                raise SaliencyMethodError(f"{name}: the method raised {type(error).__name__}: {error}") from error
        maps.append(_require_maps(returned, len(some), name))
    if len({each.shape[1:] for each in maps}) > 1:
        raise SaliencyMethodError(f"{name}: the method returned maps of different sizes for images of one size")
    return torch.cat(maps)


def reduced(maps: torch.Tensor, sign: str) -> torch.Tensor:
    """Return maps ``(N, h, w)`` to compare: channels summed (``"signed"``), or their magnitudes (``"absolute"``)."""
    values = maps if sign == "signed" else maps.abs()
    return values.sum(1) if values.ndim == 4 else values


def as_seen(maps: torch.Tensor) -> torch.Tensor:
    """Return maps ``(N, h, w)`` rounded to what a screen can show: 256 levels up to the 99th percentile of magnitude.

    Ranks depend only on the order of values, however small their differences. An edge detector is 0 in every flat part
    of an image. Adding a thousandth of anything else, which nobody can see, would put these parts in another order and
    so decide most of the rank correlation.

    Returns float64 on the CPU: half precision, or the smallest numbers of single precision, would overflow.
    """
    maps = maps.detach().cpu().double()
    magnitudes = maps.abs().flatten(1)
    brightest = magnitudes.kthvalue(math.ceil(0.99 * magnitudes.shape[1]), dim=1).values
    brightest = torch.where(brightest > 0, brightest, magnitudes.amax(1))
    levels = torch.where(brightest > 0, LEVELS / brightest, 1)
    return (maps * levels[:, None, None]).round()


def _require_maps(returned: object, count: int, name: str) -> torch.Tensor:
    wanted = f"a float tensor ({count}, h, w) or ({count}, C, h, w)"
    if not isinstance(returned, torch.Tensor):
        kind = f"{type(returned).__module__}.{type(returned).__qualname__}".removeprefix("builtins.")
        raise SaliencyMethodError(f"{name}: the method returned {kind}, not {wanted}")
    shape = tuple(returned.shape)
    if returned.ndim not in (3, 4) or len(returned) != count:
        raise SaliencyMethodError(f"{name}: the method returned the shape {shape}, not {wanted}")
    if not returned.is_floating_point():
        raise SaliencyMethodError(f"{name}: the method returned {returned.dtype}, not {wanted}")
    if returned.shape[-2:].numel() < 2:
        raise SaliencyMethodError(f"{name}: the method returned the shape {shape}: a map needs at least two positions")
    return returned.detach()
