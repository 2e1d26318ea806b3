"""torch-cam (https://github.com/frgfm/torch-cam): ``torchcam:LayerCAM:features.10``.

Maps are taken at the layer's own resolution, before the scaling to [0, 1], and clipped at 0 if the library clips them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature

import torch
from torch import nn

from ...foundation.specs import Spec
from .library import LibraryMethod, parameters_of, split_keywords
from .offered import LAST_LAYER, Calls, class_named, classes_in

GIVEN = ("self", "model", "target_layer", "input_shape")
CALLS: Calls = {
    "FinerCAM": (
        "import torch",
        LAST_LAYER,
        "with FinerCAM(model, layer) as explainer:",
        "    return explainer(targets.tolist(), model(images))[0]",
    ),
    "RefineCAM": (
        "import torch",
        "layers = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)]",
        "with RefineCAM(model, layers[-2:]) as explainer:",
        "    return explainer(targets.tolist(), model(images))[0]",
    ),
}


def make(spec: Spec) -> LibraryMethod:
    """Return the saliency method of a class of ``torchcam.methods``. Raises ValueError for any other."""
    from torchcam.methods.core import _CAM

    offered = classes_in("torchcam.methods", lambda found: issubclass(found, _CAM))
    cls = class_named(spec, offered, "torchcam", CALLS, lambda _: "it is no _CAM, the base of torchcam's methods")
    (keywords,) = split_keywords(spec, parameters_of(cls.__init__, GIVEN))
    takes_shape = "input_shape" in signature(cls).parameters

    def explain(model: nn.Module, layer: nn.Module | None, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        own = dict(keywords, input_shape=tuple(images.shape[1:])) if takes_shape else keywords
        with silent("torchcam"), cls(model, target_layer=layer, **own) as explainer:
            scores = model(images)
            (maps,) = explainer(targets.tolist(), scores, normalized=False)
        return maps  # type: ignore[no-any-return]

    return LibraryMethod(spec, explain, uses_layer=True)


@contextmanager
def silent(logger: str) -> Iterator[None]:
    """Silence a library's logger within the context; restore the user's level at the end."""
    found = logging.getLogger(logger)
    level = found.level
    found.setLevel(logging.ERROR)
    try:
        yield
    finally:
        found.setLevel(level)
