"""The copy that the libraries get: the same function, nothing shared, nothing in place."""

from __future__ import annotations

import pytest
import torch
from support.libraries import CLASSES, TARGETS, Net, resnet
from support.networks import fill
from support.traces import left_as_found
from torch import nn

from pytest_saliency_sanity.methods.adapters.canonical import canonical_copy


class Thrice(nn.Module):
    """One ReLU in three places, under two names; one pooling in two."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.relu = nn.ReLU(inplace=True)
        self.also = nn.ModuleDict({"relu": self.relu})
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(3, CLASSES)
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.pool(self.relu(self.first(images)))
        values = self.pool(self.also["relu"](self.second(values)))
        values = self.relu(self.third(values))
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


def used_twice(model: nn.Module, images: torch.Tensor) -> list[str]:
    """Return the types of activations and poolings that are used more than once in a pass."""
    uses: list[nn.Module] = []
    leaves = [module for module in model.modules() if isinstance(module, nn.ReLU | nn.MaxPool2d)]
    handles = [leaf.register_forward_hook(lambda module, *_: uses.append(module)) for leaf in leaves]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return [type(module).__name__ for module in set(uses) if uses.count(module) > 1]


@pytest.fixture(params=["thrice", "resnet18", "shared inplace"])
def shared(request: pytest.FixtureRequest) -> nn.Module:
    model = {"thrice": Thrice, "resnet18": resnet}.get(request.param, lambda: Net(request.param))()
    return model.eval()


def test_a_canonical_copy_has_the_same_logits(shared: nn.Module) -> None:
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert used_twice(shared, images), "nothing is shared here"
    copied = canonical_copy(shared, images[:1])
    with torch.no_grad():
        for batch in (images, images[:1], images):  # pass after pass, of any size
            assert torch.equal(copied(batch), shared(batch))
    assert used_twice(copied, images) == []


def test_a_canonical_copy_is_explained_the_same(shared: nn.Module) -> None:
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    copied = canonical_copy(shared, images[:1].detach())
    (expected,) = torch.autograd.grad(shared(images)[:, 1].sum(), images)
    (found,) = torch.autograd.grad(copied(images)[:, 1].sum(), images)
    assert torch.equal(found, expected)


def test_a_canonical_copy_is_in_a_defined_state_and_the_model_as_before(shared: nn.Module) -> None:
    images, targets = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), TARGETS[:1]
    shared.train().requires_grad_(False)
    with left_as_found(shared, images, targets):
        copied = canonical_copy(shared, images)
    assert not any(module.training for module in copied.modules())
    assert not any(getattr(module, "inplace", False) for module in copied.modules())
    assert all(parameter.requires_grad for parameter in copied.parameters())
    assert not {id(tensor) for tensor in shared.parameters()} & {id(tensor) for tensor in copied.parameters()}


def test_a_canonical_copy_goes_on_after_a_pass_that_broke() -> None:
    model, images = Thrice(), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    copied = canonical_copy(model, images)
    with pytest.raises(RuntimeError):
        copied(torch.zeros(1, 3, 2, 2))  # the second pooling has nothing left, after two of five uses
    with torch.no_grad():
        assert torch.equal(copied(images), model(images))


def test_a_tied_parameter_stays_tied(images: torch.Tensor) -> None:
    model = Net()
    model.bn1.bias = model.bn1.weight
    copied = canonical_copy(model, images[:1])
    assert copied.get_parameter("bn1.bias") is copied.get_parameter("bn1.weight")


class Reader(Thrice):
    """A network that reads an attribute of a module that it uses more than once."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert self.pool.kernel_size == 2
        return super().forward(images)


def test_attributes_of_a_shared_module_can_be_read() -> None:
    model, images = Reader(), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(canonical_copy(model, images)(images), model(images))
