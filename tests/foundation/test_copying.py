"""A copy of a model is what ``copy.deepcopy`` gives: equal in everything, and of its own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.images import noise
from support.networks import deep, lived_in_model, small, with_statistics
from torch import nn

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.foundation.copying import copied
from pytest_saliency_sanity.foundation.inference import logits_of


class Hook:
    """Doubles what a module returns, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, module: nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return output * 2


class Owned(nn.Module):
    """A network with all that a module can have: shared modules and weights, buffers, attributes, hooks."""

    def __init__(self) -> None:
        super().__init__()
        shared = nn.Conv2d(3, 3, 3, padding=1)
        self.first, self.again = shared, shared
        self.tied = nn.Conv2d(3, 3, 3, padding=1)
        self.tied.weight = shared.weight
        self.norm = nn.BatchNorm2d(3, affine=False)
        self.last = nn.Linear(3, 4)
        self.kept: torch.Tensor
        self.register_buffer("kept", torch.arange(3.0), persistent=False)
        self.settings: dict[str, Any] = {"empty": {}, "full": {"a": [1, 2]}, "same": shared}
        self.nothing: dict[str, int] = {}
        self.alias = self.nothing
        self.names: set[str] = set()
        self.first.weight.requires_grad_(False)
        self.last.weight.grad = torch.ones(4, 3)
        self.hook = Hook()
        self.last.register_forward_hook(self.hook)
        self.last.register_forward_pre_hook(self.before)

    def before(self, module: nn.Module, arguments: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        return (arguments[0] + self.kept.sum(),)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.norm(self.tied(self.again(self.first(images).relu()).relu())).relu()
        logits: torch.Tensor = self.last(values.mean((2, 3)))
        return logits


def shape_of(model: nn.Module) -> list[Any]:
    """Return all that a model has, without its identity: which of its parts are the same objects, and all values."""
    order: dict[int, int] = {}

    def number(part: object) -> int:
        return order.setdefault(id(part), len(order))

    def described(value: object) -> object:
        if isinstance(value, torch.Tensor):
            return number(value), value.tolist(), value.requires_grad, str(value.dtype), described(value.grad)
        if isinstance(value, dict):
            return number(value), type(value).__name__, [(str(key), described(each)) for key, each in value.items()]
        if isinstance(value, nn.Module):
            return number(value), type(value).__name__
        if isinstance(value, list | tuple):
            return [described(each) for each in value]
        return number(value) if callable(value) else repr(value)

    modules = model.named_modules(remove_duplicate=False)
    return [(name, described(module), described(vars(module))) for name, module in modules]


MODELS: dict[str, Callable[[], nn.Module]] = {
    "owned": Owned,
    "lived in": lived_in_model,
    "deep": deep,
    "small": small,
    "alexnet": lambda: load_checkpoint("alexnet"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_copy_is_that_of_deepcopy(name: str) -> None:
    model = MODELS[name]()
    before = shape_of(model)
    made = shape_of(copied(model))
    assert made == shape_of(copy.deepcopy(model))
    assert shape_of(model) == before


def test_a_copy_shares_nothing_with_the_model() -> None:
    model = with_statistics(Owned(), 8, 3, 6, 6)
    images = noise(4, 3, 6, 6)
    expected = logits_of(model, images)
    made = copied(model)
    assert isinstance(made, Owned)
    assert torch.equal(logits_of(made, images), expected)
    for tensor in (*made.parameters(), *made.buffers()):
        tensor.data.fill_(3)
    made.first.weight.requires_grad_()
    made.settings["empty"]["new"] = 1
    made.nothing["new"] = 1
    for module in made.modules():
        module.register_forward_hook(lambda *_: None)
        module.train()
    before = model.hook.calls
    assert torch.equal(logits_of(model, images), expected)
    assert model.hook.calls == before + 1
    assert (model.nothing, model.settings["empty"]) == ({}, {})
    assert not model.first.weight.requires_grad
    assert not model.norm._forward_hooks
    assert not any(module.training for module in model.modules())


def test_a_copys_hooks_and_methods_are_its_own() -> None:
    made = copied(Owned())
    assert isinstance(made, Owned)
    assert made.alias is made.nothing
    assert made.again is made.first
    assert made.tied.weight is made.first.weight
    made.kept.fill_(5)
    logits_of(made, noise(2, 3, 6, 6))
    assert made.hook.calls == 1
    (before,) = made.last._forward_pre_hooks.values()
    assert vars(type(made))["before"].__get__(made) == before


def test_parts_that_are_known_are_taken_as_they_are() -> None:
    model = small()
    weight = next(model.parameters())
    other = nn.Parameter(torch.zeros_like(weight))
    made = copied(model, {id(weight): other})
    assert next(made.parameters()) is other
    assert next(model.parameters()) is weight
