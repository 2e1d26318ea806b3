"""Networks of which it is known, by construction, that some pixels do not matter.

f(x * M + c * (1 - M)) can't depend on pixels outside the mask M, whatever f is. So what a map shows there is wrong
(after Rao, Böhle and Schiele 2022, arXiv:2205.10435, section 3: DiFull).
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from types import MethodType
from typing import Any

import torch
from torch import nn

from ..foundation.copying import copied


def with_null_region(model: nn.Module, inside: torch.Tensor, constant: float = 0.0) -> nn.Module:
    """Return a copy of a model that sees only the pixels inside a mask: all others are replaced by a constant.

    ``inside``: bool ``(H, W)``. The copy has the same layers and names, and a class derived from the model's, so that
    methods find what they look for. When it is called, it raises ValueError for images of another size than the mask's.
    """
    looking = copied(model)
    forward = _take_forward(looking)

    def masked_forward(self: nn.Module, images: torch.Tensor, *others: Any, **keywords: Any) -> Any:
        if images.shape[-2:] != inside.shape:
            raise ValueError(
                f"the mask has {tuple(inside.shape)} pixels and the images {tuple(images.shape[-2:])}: "
                "a null region is that of images of one size"
            )
        seen = torch.where(inside.to(images.device), images, constant)  # in the precision of the images
        return forward(self, seen, *others, **keywords)

    # A method bound to the model would be a reference to itself, and keep large models in memory for long.
    derived_from = type(model)
    looking.__class__ = type(derived_from.__name__, (derived_from,), {"forward": masked_forward})
    return looking


def _take_forward(model: nn.Module) -> Callable[..., Any]:
    """Return a model's forward pass as a function of model and images; one of its own is taken away from it."""
    own = vars(model).pop("forward", None)
    if own is None:
        return type(model).forward
    if isinstance(own, MethodType):
        return own.__func__
    return lambda _, *images, **keywords: own(*images, **keywords)


def random_mask(height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Return a mask bool ``(H, W)`` of one of three shapes, drawn at random: half a plane, a rectangle or an ellipse.

    It covers 0.4 to 0.6 of the image or, if it is tiny, one of its pixels at least and never all.
    """
    kind, share, across, down, angle = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
    share = 0.4 + 0.2 * share
    rows = (torch.arange(height, dtype=torch.float64) + 0.5)[:, None] / height
    columns = (torch.arange(width, dtype=torch.float64) + 0.5)[None] / width
    stretch = 2 ** (0.6 * (2 * angle - 1))
    if kind < 1 / 3:
        turned = torch.tensor(2 * pi * angle)
        distance = columns * torch.cos(turned) + rows * torch.sin(turned)
    elif kind < 2 / 3:
        distance = torch.maximum((columns - across).abs() * stretch, (rows - down).abs() / stretch)
    else:
        distance = ((columns - across) * stretch) ** 2 + ((rows - down) / stretch) ** 2
    count = min(max(1, round(share * distance.numel())), distance.numel() - 1)
    inside = torch.zeros(distance.numel(), dtype=torch.bool)
    inside[distance.flatten().argsort(stable=True)[:count]] = True
    return inside.view(height, width)
