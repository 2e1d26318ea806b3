"""Makes a copy of a model that the explainers of all libraries treat alike.

Libraries replace backward rules, leave attributes and gradients behind, or reject modules that are used twice; and what
a hook on a convolution before an in-place ReLU sees differs between libraries. So they get a copy: in evaluation mode,
nothing in place, parameters that require gradients, and a separate module for every use of a parameter-free module.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import nn

from ...foundation.copying import copied
from ...foundation.inference import watch


def canonical_copy(model: nn.Module, image: torch.Tensor) -> nn.Module:
    """Return the copy. It is run once on ``image`` ``(1, C, H, W)``, to find the modules that are used twice."""
    canonical = copied(model).eval()
    for module in canonical.modules():
        if getattr(module, "inplace", None) is True:
            module.__dict__["inplace"] = False
    for parameter in canonical.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    unshare(canonical, image)
    return canonical.eval()


def unshare(model: nn.Module, image: torch.Tensor) -> None:
    """Replace, in place, every parameter-free leaf that is used more than once by one copy for each use."""
    for module, uses in _count_uses(model, image).items():
        if uses > 1:
            one_each = _OneEach(module, uses)
            model.register_forward_pre_hook(one_each.start)
            for parent in list(model.modules()):
                for name, child in parent._modules.items():  # named_children() skips repeated modules
                    if child is module:
                        parent._modules[name] = one_each


def last_use(module: nn.Module) -> nn.Module:
    """Return the copy for the last use if a module is used more than once; any other module unchanged."""
    return module[-1] if isinstance(module, _OneEach) else module


def shelter(model: nn.Module, layer: nn.Module) -> nn.Module:
    """Make the model pass on a copy of the layer's output, so that the output itself stays unchanged; return the layer.

    A function call after the layer may change its output in place. Then a hook on the layer would see other values than
    those whose gradient is taken.
    """
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is layer:
                parent._modules[name] = _Sheltered(layer)
    return layer


def _count_uses(model: nn.Module, image: torch.Tensor) -> Counter[nn.Module]:
    counted: Counter[nn.Module] = Counter()

    def count(module: nn.Module, _: Any, __: Any) -> None:
        counted[module] += 1

    bare = [
        module
        for module in model.modules()
        if module is not model
        and not any(module.children())
        and not any(True for _ in module.parameters())
        and not any(True for _ in module.buffers())
    ]
    watch(model, image, bare, count)
    return counted


class _Sheltered(nn.Module):
    """A layer whose output is copied before it is passed on."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the layer."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "layer":
                raise
            return getattr(self.layer, name)

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Return a copy of the layer's output."""
        output = self.layer(*arguments, **keywords)
        return output.clone() if isinstance(output, torch.Tensor) else output


class _OneEach(nn.ModuleList):
    """Copies of a module, one for each of its uses in a pass, called in turn."""

    def __init__(self, module: nn.Module, uses: int) -> None:
        super().__init__(copy.deepcopy(module) for _ in range(uses))
        self.used = 0

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the module that the copies replace, such as its ``inplace``."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            first = next(iter(self.__dict__.get("_modules", {}).values()), None)
            if first is None:
                raise
            return getattr(first, name)

    def start(self, *_: Any) -> None:
        """Start a pass."""
        self.used = 0

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the next copy."""
        module = self[self.used % len(self)]
        self.used += 1
        return module(*arguments, **keywords)
