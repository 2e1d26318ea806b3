"""Methods as a user writes them: a module of functions, instances and classes, and what they draw."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from pytest_saliency_sanity.methods.resolve import resolve_method

MODULE = """
import torch

def plain(model, images, targets): return torch.ones(len(images), 2, 2)
def scaled(model, images, targets, scale=1.0, *, shift=0.0): return torch.full((len(images), 2, 2), scale + shift)
def anything(model, images, targets, **keywords): return torch.full((len(images), 2, 2), float(sum(keywords.values())))

class Method:
    def __init__(self, scale=1.0): self.scale = scale
    def __call__(self, model, images, targets): return torch.full((len(images), 2, 2), float(self.scale))
    def bound(self, model, images, targets): return self(model, images, targets)

class Needy(Method):
    def __init__(self, scale): self.scale = scale

class Mute:
    pass

instance = Method(7)
number = 3
"""
IMAGES, TARGETS = torch.zeros(2, 3, 4, 4), torch.tensor([0, 1])


class Give(Protocol):
    """Gives methods by name, as a project's hook does: ``give(name=value)``."""

    def __call__(self, source: str = "conftest.py", /, **methods: Any) -> None:
        """Give them."""
        ...


def value_of(spec: str) -> float:
    """Return the value that a method of ``MODULE`` fills its maps with."""
    maps = resolve_method(spec)(torch.nn.Identity(), IMAGES, TARGETS)
    assert maps.shape == (2, 2, 2)
    return float(maps.unique())
