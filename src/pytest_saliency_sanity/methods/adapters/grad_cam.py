"""pytorch-grad-cam (https://github.com/jacobgil/pytorch-grad-cam): ``grad_cam:GradCAMPlusPlus:features.10``.

The library returns maps that are clipped at 0, scaled to [0, 1] one by one and enlarged to the size of the image. The
adapter takes them before the scaling and enlarging, at the resolution of the layer, clipped at 0 like the library's.

A layer of a vision transformer is read as the grid of its patches: ``grad_cam:GradCAM:encoder.layers.5.ln_1``.
"""

from __future__ import annotations

import contextlib
import io
from functools import partial
from inspect import signature
from math import gcd, isqrt
from typing import Any

import numpy as np
import torch
from torch import nn

from ...foundation.specs import Spec
from .library import LibraryMethod, parameters_of, split_keywords
from .offered import LAST_LAYER, Calls, class_named, classes_in

GIVEN = ("self", "model", "target_layers", "reshape_transform", "tta_transforms")
MOST_FIRST_TOKENS = 16  # one of the class, and a few registers
WRAPPERS = ("FinerCAM", "RefineCAM", "SESS")
CALLS: Calls = {
    name: (
        "import torch",
        "from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget",
        LAST_LAYER,
        "wanted = [ClassifierOutputTarget(each) for each in targets]",
        f"return torch.as_tensor({name}(model, [layer])(images, wanted))",
    )
    for name in WRAPPERS
}
CALL = ("self", "input_tensor", "targets")


def make(spec: Spec) -> LibraryMethod:
    """Return the saliency method of a class of ``pytorch_grad_cam``. Raises ValueError for any other."""
    from pytorch_grad_cam.base_cam import BaseCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    offered = classes_in("pytorch_grad_cam", lambda found: issubclass(found, BaseCAM) and found is not BaseCAM)
    cls = class_named(spec, offered, "pytorch_grad_cam", CALLS, lambda _: "it is no BaseCAM")
    for_class, for_call = split_keywords(spec, parameters_of(cls.__init__, GIVEN), parameters_of(cls.__call__, CALL))
    uses_layer = cls.__name__ != "FullGrad"  # it uses every layer that has a bias

    def explain(model: nn.Module, layer: nn.Module | None, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        # The library always writes progress bars to standard error.
        with contextlib.redirect_stderr(io.StringIO()), fresh(cls, model, layer, images, for_class) as explainer:
            native = keep_native(explainer)
            wanted = [ClassifierOutputTarget(target) for target in targets.tolist()]
            enlarged = explainer(images, targets=wanted, **for_call)
        # The native map if a single layer was used; else the map that the library combines from several.
        maps = np.maximum(native[0], 0) if len(native) == 1 else enlarged
        return torch.as_tensor(maps, dtype=torch.float32)

    return LibraryMethod(spec, explain, uses_layer)


@contextlib.contextmanager
def fresh(cls: type, model: nn.Module, layer: nn.Module | None, images: torch.Tensor, keywords: dict[str, Any]) -> Any:
    """Make an explainer, and remove its hooks at the end. Its own ``with`` would swallow an IndexError."""
    own = dict(keywords)
    if "ablation_layer" in signature(cls).parameters:
        from pytorch_grad_cam import AblationLayer

        own.setdefault("ablation_layer", AblationLayer())  # the default is a single object, shared by all explainers
    height, width = images.shape[2:]
    grid = partial(as_grid, height=height, width=width)
    explainer = cls(model, [layer] if layer is not None else [], reshape_transform=grid, **own)
    try:
        yield explainer
    finally:
        explainer.activations_and_grads.release()


def as_grid(values: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return the tokens ``(N, tokens, C)`` of a vision transformer as ``(N, C, h, w)``; feature maps as they are.

    The patches are square, so their grid has the shape of the image, ``height`` x ``width``. The tokens before them,
    such as that of the class, are left out. Raises ValueError if more would be left out than a network has.
    """
    if values.ndim != 3:
        return values
    count, divisor = values.shape[1], gcd(height, width)
    down, across = height // divisor, width // divisor
    times = isqrt(count // (down * across))
    patches = down * across * times * times
    if not 0 <= count - patches <= MOST_FIRST_TOKENS or not patches:
        raise ValueError(f"{tuple(values.shape)} is no grid of square patches of an image {height} x {width}")
    kept: torch.Tensor = values[:, count - patches :].transpose(1, 2)
    return kept.reshape(*kept.shape[:2], down * times, across * times)


def keep_native(explainer: Any) -> list[np.ndarray]:
    """Return a list that the explainer will fill with its maps ``(N, h, w)``, before it scales and enlarges them."""
    maps: list[np.ndarray] = []
    original = explainer.get_cam_image

    def keeping(*arguments: Any, **keywords: Any) -> Any:
        native = original(*arguments, **keywords)
        maps.append(native.detach().cpu().numpy() if isinstance(native, torch.Tensor) else np.asarray(native))
        return native

    explainer.get_cam_image = keeping
    return maps
