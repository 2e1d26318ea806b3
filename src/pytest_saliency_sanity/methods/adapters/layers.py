"""Finds the default layer of a class activation map, by a name that is the same in every randomised copy."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...foundation.inference import watch
from ..activations import last_convolution, named_layer

FOLLOWED = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Hardswish),
    *(nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.LayerNorm),
)


def layer_name(model: nn.Module, image: torch.Tensor, given: str | None) -> str:
    """Return ``given`` if it names a module of the model; if it is None, the name of the default layer.

    That is the last convolution executed whose output has more than one position, or the last of the normalisation and
    activation modules that directly follow it: the same as in ``gradcam``, as far as these are modules.
    Raises ValueError if the module does not exist or the model has no convolutions.
    """
    if given is not None:
        named_layer(model, given)
        return given
    last = last_convolution(model, image)
    chosen = _last_following(model, image, last)
    names: dict[nn.Module, str] = {module: name for name, module in model.named_modules()}
    return names[chosen]


def _last_following(model: nn.Module, image: torch.Tensor, convolution: nn.Module) -> nn.Module:
    """Return the last of the ``FOLLOWED`` modules that directly follow a convolution, or the convolution itself."""
    chosen: nn.Module = convolution
    values: torch.Tensor | None = None
    version = 0

    def note(module: nn.Module, arguments: tuple[Any, ...], output: torch.Tensor) -> None:
        nonlocal chosen, values, version
        directly = bool(arguments) and arguments[0] is values and values is not None and values._version == version
        if module is convolution or directly:
            chosen, values, version = module, output, output._version

    watched = [module for module in model.modules() if isinstance(module, FOLLOWED) or module is convolution]
    watch(model, image, watched, note)
    return chosen
