"""What all adapters share: a saliency method made from a library's class."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

from ...foundation.errors import unknown_name
from ...foundation.inference import require_logits
from ...foundation.specs import Spec
from ..scores import class_scores, explaining, in_chunks
from . import LIBRARIES
from .canonical import canonical_copy, last_use, shelter
from .layers import layer_name

Explain = Callable[[nn.Module, nn.Module | None, torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class LibraryMethod:
    """A saliency method made from a library's class.

    ``explain(model, layer, images, targets)`` makes an explainer for a model, which it can change freely, and returns
    its maps. ``uses_layer``: whether the class takes a layer; ``spec.layer`` names it, else it is the default layer.
    """

    spec: Spec
    explain: Explain = field(repr=False)
    uses_layer: bool = False

    def __post_init__(self) -> None:
        if self.spec.layer and not self.uses_layer:
            raise ValueError(f"{self.spec.text}: {self.spec.path} does not take a layer")

    @property
    def __name__(self) -> str:
        return self.spec.text

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the library's maps for each image, detached."""
        maps = []
        working = None
        with explaining(model), warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=UserWarning, module=rf"{self.package}\b")
            for chunk, chunk_targets in in_chunks(images, targets):
                if working is None:
                    working = canonical_copy(model, chunk[:1])
                    with torch.no_grad():
                        logits = require_logits(working(chunk[:1]), 1)
                    class_scores(logits.expand(len(targets), -1), targets.to(chunk.device))
                    layer = self._layer(working, chunk[:1])
                maps.append(self.explain(working, layer, chunk, chunk_targets).detach())
        return torch.cat(maps)

    def layer_of(self, model: nn.Module, image: torch.Tensor) -> str | None:
        """Return the name of the layer used, found by running an image ``(1, C, H, W)``; None if there is none."""
        with explaining(model):
            return layer_name(canonical_copy(model, image), image, self.spec.layer) if self.uses_layer else None

    @property
    def package(self) -> str:
        """The library's package. Its warnings are hidden, since a user can do nothing about them."""
        return LIBRARIES.named(self.spec.name).package

    def _layer(self, model: nn.Module, image: torch.Tensor) -> nn.Module | None:
        if not self.uses_layer:
            return None
        return shelter(model, last_use(model.get_submodule(layer_name(model, image, self.spec.layer))))


def parameters_of(function: Callable[..., Any], without: Collection[str]) -> dict[str, Parameter]:
    """Return the parameters of a function that users can set: all but those ``without``, which the adapter sets."""
    return {
        name: parameter
        for name, parameter in signature(function).parameters.items()
        if name not in without and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    }


def split_keywords(spec: Spec, *functions: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """Return the spec's keywords for each function; a keyword goes to the first function that takes it.

    Raises ValueError if no function takes a keyword, or if a required keyword is missing.
    """
    for keyword in spec.keywords:
        if not any(keyword in parameters for parameters in functions):
            allowed = list(dict.fromkeys(name for parameters in functions for name in parameters))
            raise unknown_name(f"keyword of {spec.path}", keyword, allowed)
    given: list[dict[str, Any]] = []
    left = dict(spec.keywords)
    for parameters in functions:
        given.append({name: left.pop(name) for name in parameters if name in left})
        for name, parameter in parameters.items():
            if parameter.default is Parameter.empty and name not in given[-1]:
                raise ValueError(f"{spec.text} needs the keyword {name}: {spec.path}?{name}=...")
    return given


def as_tensor_like(value: Any, images: torch.Tensor) -> Any:
    """Return a number as an image ``(1, C, H, W)`` filled with it; anything else unchanged."""
    return torch.full_like(images[:1], float(value)) if isinstance(value, int | float) else value
