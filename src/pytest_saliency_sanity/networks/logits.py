"""Makes a classifier, which all checks ask about, of networks that return something else than logits ``(N, classes)``.

Logits(model, "logits")                      # a dict with that key, or an object with that attribute
Logits(model, 0)                             # the first of a tuple
Logits(model)                                # a single logit, (N,) or (N, 1), or logits (N, classes, 1, 1)
Logits(model, "out", AtPixel(20, 30))        # a segmentation network: the classes of one pixel
Logits(model, "out", OverMask(mask))         # the same, their mean over a mask
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..foundation.errors import quoted
from ..foundation.inference import in_words, require_logits

Pick = str | int | Callable[[Any], Any]


class Logits(nn.Module):
    """A network as a classifier: what it returns is picked, and made logits ``(N, classes)``.

    ``model``: the network. ``picks``: what is done to what it returns, one after the other: a key or the name of an
    attribute, an index of a tuple, or something to call.

    What is left is taken as it is if it has the shape ``(N, classes)``; ``(N, classes, 1, 1)`` loses its last axes. A
    single logit z of a binary classifier, ``(N,)`` or ``(N, 1)``, becomes two, ``(-z, z)``: class 1 is what the logit
    speaks for, and class 0 the other. If the network ends with a sigmoid, wrap it without: a probability is
    no logit.

    Calling it raises TypeError or ValueError, with what can be picked, if something else is left.
    """

    def __init__(self, model: nn.Module, *picks: Pick) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise TypeError(f"a network must be a torch.nn.Module, not {type(model).__name__}")
        for pick in picks:
            if isinstance(pick, bool) or not (isinstance(pick, str | int) or callable(pick)):
                raise TypeError(f"a pick must be a key, an index or something to call, not {quoted(pick)}")
        self.model = model
        self.picks = picks

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, classes)``, two or more, of images ``(N, C, H, W)``."""
        output = self.model(images)
        for pick in self.picks:
            output = picked(output, pick)
        return as_logits(output, len(images))


def picked(output: Any, pick: Pick) -> Any:
    """Return a part of what a network returned. Raises ValueError, with what there is, if it has no such part."""
    if not isinstance(pick, str | int):
        return pick(output)
    try:
        if isinstance(pick, str) and not isinstance(output, Mapping):
            return getattr(output, pick)
        return output[pick]
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError(f"the model returns {in_words(output)}, of which {pick!r} can't be picked") from None


def as_logits(output: Any, count: int) -> torch.Tensor:
    """Return an output as logits ``(count, classes)``, at least two. Raises TypeError or ValueError if it is none."""
    if isinstance(output, torch.Tensor):
        if output.ndim == 4 and output.shape[2:] == (1, 1):
            output = output.flatten(1)
        if output.shape in ((count,), (count, 1)):
            return torch.stack([-output.flatten(), output.flatten()], 1)
    return require_logits(output, count)


@dataclass(frozen=True)
class AtPixel:
    """The classes of one pixel of a dense output ``(N, classes, h, w)``: ``(N, classes)``. From 0, of the output."""

    row: int
    column: int

    def __call__(self, maps: Any) -> torch.Tensor:
        """Return the logits at the pixel. Raises ValueError if there is no such pixel."""
        height, width = require_dense(maps).shape[2:]
        if not (0 <= self.row < height and 0 <= self.column < width):
            raise ValueError(f"the model's maps are {height} x {width}: they have no pixel ({self.row}, {self.column})")
        return maps[:, :, self.row, self.column]  # type: ignore[no-any-return]


@dataclass(frozen=True, eq=False)
class OverMask:
    """The classes of a dense output ``(N, classes, h, w)`` where a mask is true, on average: ``(N, classes)``.

    ``mask``: boolean ``(h, w)``, the same for all images, with at least one pixel.
    """

    mask: torch.Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.mask, torch.Tensor) or self.mask.dtype != torch.bool or self.mask.ndim != 2:
            raise TypeError("a mask must be a boolean tensor (h, w)")
        if not self.mask.any():
            raise ValueError("the mask has no pixel")

    def __call__(self, maps: Any) -> torch.Tensor:
        """Return the mean logits. Raises ValueError if the mask has another size."""
        if require_dense(maps).shape[2:] != self.mask.shape:
            raise ValueError(f"the mask is {tuple(self.mask.shape)}, but the model's maps are {tuple(maps.shape[2:])}")
        return maps[:, :, self.mask.to(maps.device)].mean(2)  # type: ignore[no-any-return]


def require_dense(maps: Any) -> torch.Tensor:
    """Return a dense output. Raises TypeError or ValueError if it is none."""
    if not isinstance(maps, torch.Tensor):
        raise TypeError(f"maps (N, classes, h, w) are needed, not {in_words(maps)}")
    if maps.ndim != 4:
        raise ValueError(f"maps (N, classes, h, w) are needed, not {tuple(maps.shape)}")
    return maps
