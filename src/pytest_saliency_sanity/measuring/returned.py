"""Validates what a method returns: a plain tensor with a map for each image, or an error that says what it is."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from ..foundation.errors import SaliencyMethodError, described
from ..foundation.habits import notice_larger

# Types that can be computed with everywhere; others, such as float8, are turned into float32.
COMPUTED = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def require_maps(returned: object, images: torch.Tensor, name: str) -> torch.Tensor:
    """Return maps ``(N, h, w)`` or ``(N, C, h, w)``, detached, not larger than the images ``(N, C, H, W)``.

    Raises SaliencyMethodError, which begins with ``name``, if a method returned anything else.
    """
    count = len(images)
    wanted = f"a float tensor ({count}, h, w) or ({count}, C, h, w)"
    try:
        maps = plain(returned)
    except ValueError as error:
        raise SaliencyMethodError(f"{name}: the method returned {error}, not {wanted}") from error.__cause__
    shape = tuple(maps.shape)
    if maps.ndim not in (3, 4) or len(maps) != count:
        raise SaliencyMethodError(f"{name}: the method returned the shape {shape}, not {wanted}")
    if not maps.is_floating_point():
        raise SaliencyMethodError(f"{name}: the method returned {maps.dtype}, not {wanted}")
    if maps.shape[-2:].numel() < 2 or 0 in shape:
        raise SaliencyMethodError(f"{name}: the method returned the shape {shape}: a map needs at least two positions")
    return not_larger(maps.detach() if maps.dtype in COMPUTED else maps.detach().float(), images)


def plain(returned: object) -> torch.Tensor:
    """Return a tensor without what a subclass adds to it. Raises ValueError, with what it is, if it is no dense one."""
    kind = f"{type(returned).__module__}.{type(returned).__qualname__}".removeprefix("builtins.")
    if not isinstance(returned, torch.Tensor):
        raise ValueError(kind)
    try:
        with torch._C.DisableTorchFunctionSubclass():  # of a subclass, which can do anything
            unusual = _unusual(returned)
            if not unusual:
                # PyTorch 2.5 can't make a plain tensor a plain one again while work is shared.
                is_plain = type(returned) is torch.Tensor
                tensor = returned if is_plain else torch.Tensor.as_subclass(returned, torch.Tensor)
                tensor.detach().flatten()[:1].tolist()  # a wrapper around something else has no values of its own
    except Exception as error:
        raise ValueError(f"{kind}, whose values can't be read ({described(error)})") from error
    if unusual:
        raise ValueError(unusual)
    return tensor


def _unusual(tensor: torch.Tensor) -> str:
    """Return what is unusual about the storage of a tensor; empty if nothing is."""
    if tensor.is_nested:
        return "a nested tensor"
    if tensor.layout is not torch.strided:
        return f"a sparse tensor ({tensor.layout}; its .to_dense() would do)"
    return "a tensor on the device meta, which has no values" if tensor.is_meta else ""


def not_larger(maps: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return maps averaged over areas, if they have more rows or columns than the images ``(N, C, H, W)``.

    A pixel has one value. What lies between pixels was drawn by the enlargement, and would only be costly to compare.
    """
    height, width = (min(pair) for pair in zip(maps.shape[-2:], images.shape[-2:], strict=True))
    if (height, width) == tuple(maps.shape[-2:]):
        return maps
    notice_larger(maps, images)
    precise = maps if maps.dtype in (torch.float32, torch.float64) else maps.float()
    return F.adaptive_avg_pool2d(precise, (height, width))
