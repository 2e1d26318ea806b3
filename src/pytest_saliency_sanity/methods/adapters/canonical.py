"""A copy of a model that explainers of all libraries agree on.

Libraries replace rules, leave attributes and gradients behind, or refuse modules that are used twice; and a hook on a
convolution before an in-place ReLU sees other values in one library than in the next. So they get a copy: in evaluation
mode, nothing in place, parameters that require gradients, and every use of a parameter-free module a module of its own.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import torch
from torch import nn

from ...foundation.inference import watch


def canonical_copy(model: nn.Module, image: torch.Tensor) -> nn.Module:
    """Return the copy. ``image`` ``(1, C, H, W)`` is shown to it once, to see which modules are used twice."""
    copied = copy.deepcopy(model).eval()
    for module in copied.modules():
        if getattr(module, "inplace", None) is True:
            module.__dict__["inplace"] = False
    for parameter in copied.parameters():
        if parameter.is_floating_point():
            parameter.requires_grad_(True)
    unshare(copied, image)
    return copied.eval()


def unshare(model: nn.Module, image: torch.Tensor) -> None:
    """Replace every parameter-free leaf that is used more than once by one copy for each use, in place."""
    for module, uses in _uses(model, image).items():
        if uses > 1:
            one_each = _OneEach(module, uses)
            model.register_forward_pre_hook(one_each.start)
            for parent in list(model.modules()):
                for name, child in parent._modules.items():  # named_children() leaves out what it has seen
                    if child is module:
                        parent._modules[name] = one_each


def last_use(module: nn.Module) -> nn.Module:
    """Return the module of the last use, of one that is used more than once; any other as it is."""
    return module[-1] if isinstance(module, _OneEach) else module


def sheltered(model: nn.Module, layer: nn.Module) -> nn.Module:
    """Hand on a copy of what a layer of the model gives, so that it stays as it is; return the layer.

    What comes next may change it in place, by a call that no flag can switch off; then a hook on the layer sees other
    values than those that the gradient belongs to.
    """
    for parent in list(model.modules()):
        for name, child in parent._modules.items():
            if child is layer:
                parent._modules[name] = _Sheltered(layer)
    return layer


def _uses(model: nn.Module, image: torch.Tensor) -> Counter[nn.Module]:
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
    """A layer, and a copy of its output for all others."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        """Return what is asked of the layer."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "layer":
                raise
            return getattr(self.layer, name)

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Return a copy of what the layer gives."""
        output = self.layer(*arguments, **keywords)
        return output.clone() if isinstance(output, torch.Tensor) else output


class _OneEach(nn.ModuleList):
    """The same module for each of its uses in one pass, one after the other."""

    def __init__(self, module: nn.Module, uses: int) -> None:
        super().__init__(copy.deepcopy(module) for _ in range(uses))
        self.used = 0

    def __getattr__(self, name: str) -> Any:
        """Return what is asked of the module that they stand for, such as its ``inplace``."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            first = next(iter(self.__dict__.get("_modules", {}).values()), None)
            if first is None:
                raise
            return getattr(first, name)

    def start(self, *_: Any) -> None:
        """Begin a pass."""
        self.used = 0

    def forward(self, *arguments: Any, **keywords: Any) -> Any:
        """Use the next one."""
        module = self[self.used % len(self)]
        self.used += 1
        return module(*arguments, **keywords)
