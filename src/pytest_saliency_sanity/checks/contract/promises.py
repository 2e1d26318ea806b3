"""The promises of the contract, tried on one example. A broken one raises an error that says how."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import nn

from ...foundation.randomness import isolated_streams
from ...methods.protocol import SaliencyMethod
from .networks import Example
from .residue import belongings, difference, random_streams, switches_put_back

# Relative to the largest value of a map. Rounding is 1e-6 of it, the effect of the batch is larger.
TOLERANCE = 1e-3


class BrokenPromiseError(Exception):
    """A method broke the contract. The message says how."""


class Sabotage(RuntimeError):  # noqa: N818  (raised on purpose)
    """Raised by a network on purpose, to see what the method leaves behind."""


def try_promises(method: SaliencyMethod, example: Example) -> None:
    """Raise BrokenPromiseError if a method breaks the contract on an example."""
    maps, streams = _maps(method, example, seed=0)
    again, _ = _maps(method, example, seed=0)
    if not alike(maps, again):
        raise BrokenPromiseError("the same call with the same seed gives other maps")
    other, other_streams = _maps(method, example, seed=1)
    for name, stream in streams.items():
        if stream == other_streams[name]:
            raise BrokenPromiseError(f"it seeds the global random stream of {name}, which belongs to the caller")
    # A method that draws from the global streams gets other numbers for one image than for several.
    if alike(maps, other):
        _require_same_alone(method, example, maps)
    for when in ("forward", "backward"):
        _require_left_as_found_after_exception(method, example, when)


def _maps(method: SaliencyMethod, example: Example, *, seed: int, only: int | None = None) -> tuple[Any, Any]:
    """Return a method's maps and the states of the random streams after it; all else must be left as found."""
    model, images, targets = example.build()
    if only is not None:
        images, targets = images[only : only + 1].clone(), targets[only : only + 1].clone()
    before = belongings(model, images, targets)
    with switches_put_back(), isolated_streams(seed):
        try:
            maps = method(model, images, targets)
        except Exception as error:
            raise BrokenPromiseError(f"it raised {type(error).__name__}: {error}") from error
        streams = random_streams()
        changed = difference(before, belongings(model, images, targets))
    if changed:
        raise BrokenPromiseError(f"not left as found: {changed}")
    _require_well_formed(maps, len(images))
    return maps, streams


def _require_well_formed(maps: object, count: int) -> None:
    wanted = f"a float tensor ({count}, h, w) or ({count}, C, h, w)"
    if not isinstance(maps, torch.Tensor):
        raise BrokenPromiseError(f"it returned {type(maps).__name__}, not {wanted}")
    if maps.ndim not in (3, 4) or len(maps) != count or 0 in maps.shape:
        raise BrokenPromiseError(f"it returned the shape {tuple(maps.shape)}, not {wanted}")
    if not maps.is_floating_point():
        raise BrokenPromiseError(f"it returned {maps.dtype}, not {wanted}")
    if maps.requires_grad:
        raise BrokenPromiseError("its maps are not detached: they keep the graph of the model in memory")
    if not bool(maps.isfinite().all()):
        raise BrokenPromiseError(f"{int((~maps.isfinite()).sum())} of {maps.numel()} values are not finite")


def _require_same_alone(method: SaliencyMethod, example: Example, together: torch.Tensor) -> None:
    for index in range(example.images if example.images > 1 else 0):
        alone, _ = _maps(method, example, seed=0, only=index)
        if not alike(alone, together[index : index + 1]):
            raise BrokenPromiseError(f"image {index} has another map alone than in the batch of {example.images}")


def alike(maps: torch.Tensor, others: torch.Tensor) -> bool:
    """Return whether two batches of maps are equal up to ``TOLERANCE`` of each map's largest value."""
    if maps.shape != others.shape:
        return False
    size = maps.abs().flatten(1).amax(1).clamp(min=1e-12)
    return bool(((maps - others).abs().flatten(1).amax(1) <= TOLERANCE * size).all())


def _require_left_as_found_after_exception(method: SaliencyMethod, example: Example, when: str) -> None:
    model, images, targets = example.build()
    model.register_module("classifier", nn.Sequential(model.get_submodule("classifier"), _Breaking(when)))
    model.train(example.training)
    before = belongings(model, images, targets)
    with switches_put_back(), isolated_streams(0):
        # Any exception, since a library can wrap it. A method that never calls the model raises none.
        with suppress(Exception):
            method(model, images, targets)
        changed = difference(before, belongings(model, images, targets))
    if changed:
        raise BrokenPromiseError(f"not left as found after an exception in the {when} pass: {changed}")


class _Breaking(nn.Module):
    """A layer that raises in the forward or in the backward pass."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Raise, now or later."""
        if self.when == "forward":
            raise Sabotage
        breaks: Callable[..., torch.Tensor] = _BreaksBackward.apply
        return breaks(values)


class _BreaksBackward(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        raise Sabotage
