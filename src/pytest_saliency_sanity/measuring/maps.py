"""Calls a method and validates what it returns: a batch of maps, or an error that says what is wrong with it."""

from __future__ import annotations

import gc
import math
from traceback import clear_frames
from warnings import warn

import torch
from torch import nn

from ..foundation.custody import custody
from ..foundation.errors import SaliencyMethodError, excused
from ..foundation.habits import notice_tensor, quietly
from ..foundation.inference import limit_rows, max_rows
from ..foundation.memory import is_out_of_memory
from ..foundation.progress import advance
from ..foundation.randomness import derived_seed, isolated_streams
from ..foundation.timeouts import Overdue
from ..methods.protocol import SaliencyMethod
from .returned import require_maps

LEVELS = 256


def maps_of(
    method: SaliencyMethod,
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    name: str,
    seed: int,
    first: int = 0,
) -> torch.Tensor:
    """Return a method's maps ``(N, h, w)`` or ``(N, C, h, w)``, detached, in batches that fit in memory.

    Maps that are larger than the images are averaged down to their size (``returned.not_larger``).
    ``name``: the method, model and stage, for errors. ``seed``: seeds the global random streams during the calls.
    ``first``: the place of the first of the images in their batch; images at other places get other random numbers.

    If memory runs out, half as many images at a time are tried from then on, with a warning.

    Raises SaliencyMethodError if the method raises, returns anything else or leaves something behind that belongs to
    the whole process (``foundation.custody``).
    """
    maps: list[torch.Tensor] = []
    start = 0
    while start < len(images):
        rows = max_rows(images)
        some = slice(start, start + rows)
        try:
            maps.append(
                _maps_of_some(method, model, images[some], targets[some], name, derived_seed(seed, first + start))
            )
        except SaliencyMethodError as error:
            if rows == 1 or not is_out_of_memory(error):
                raise
            rows = min(rows, len(images))
            limit_rows(rows // 2 or 1)
            warn(f"{name}: memory ran out with {rows} images at a time; going on with half as many", stacklevel=2)
        else:
            start += rows
            advance(len(maps[-1]))
    if len({each.shape[1:] for each in maps}) > 1:
        raise SaliencyMethodError(f"{name}: the method returned maps of different sizes for images of one size")
    return torch.cat(maps)


def _maps_of_some(
    method: SaliencyMethod, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, name: str, seed: int
) -> torch.Tensor:
    given = images.clone()
    notice_tensor(given)
    with isolated_streams(seed), custody() as left_behind, quietly():
        returned = called(method, model, given, targets.clone(), name=name)
    notice_tensor(returned)
    if left_behind:
        raise SaliencyMethodError(f"{name}: not left as found by the method, and put back now: {left_behind[0]}")
    return require_maps(returned, images, name)


def called(
    method: SaliencyMethod, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, name: str
) -> object:
    """Return what a method returns. Raises SaliencyMethodError for whatever it raises.

    Only a user's Ctrl-C and the end of the time that the question may take go on as they are.
    """
    try:
        return method(model, images, targets)
    except (KeyboardInterrupt, Overdue):
        raise
    except BaseException as error:  # sys.exit and the outcomes of pytest, such as a skip, are no Exceptions
        # What the method was working on is let go here, where its destructors disturb nobody, also what refers to
        # itself.
        clear_frames(error.__traceback__)
        gc.collect()
        raise SaliencyMethodError(f"{name}: the method raised {excused(error)}") from error


def reduced(maps: torch.Tensor, sign: str) -> torch.Tensor:
    """Return maps ``(N, h, w)`` to compare: channels summed (``"signed"``), or their magnitudes (``"absolute"``)."""
    values = maps if sign == "signed" else maps.abs()
    return values.sum(1) if values.ndim == 4 else values


def as_seen(maps: torch.Tensor) -> torch.Tensor:
    """Return maps ``(N, h, w)`` rounded to what a screen can show: 256 levels up to the 99th percentile of magnitude.

    Ranks depend only on the order of values, however small their differences. An edge detector is 0 in every flat part
    of an image. Adding a thousandth of anything else, which nobody can see, would put these parts in another order and
    so decide most of the rank correlation.

    Returns float64: half precision, or the smallest numbers of single precision, would overflow. It is on the CPU, or
    on the CUDA device that the maps are on.
    """
    maps = maps.detach() if maps.is_cuda else maps.detach().cpu()  # MPS has no float64
    maps = maps.double()
    magnitudes = maps.abs().flatten(1)
    brightest = magnitudes.kthvalue(math.ceil(0.99 * magnitudes.shape[1]), dim=1).values
    brightest = torch.where(brightest > 0, brightest, magnitudes.amax(1))
    levels = torch.where(brightest > 0, LEVELS / brightest, 1)
    return (maps * levels[:, None, None]).round()


def have_signs(maps: torch.Tensor) -> bool:
    """Return whether most of the maps ``(N, h, w)`` show both positive and negative values, as seen.

    Maps without signs, such as magnitudes, share more by chance, so they are judged by thresholds of their own. A map
    that is negative everywhere is the negative of one without signs.
    """
    levels = as_seen(maps).flatten(1)
    both = (levels.amax(1) > 0) & (levels.amin(1) < 0)
    shown = levels.amax(1) > levels.amin(1)  # a map that is constant or has NaN has no say
    return int(both.sum()) * 2 > int(shown.sum())
