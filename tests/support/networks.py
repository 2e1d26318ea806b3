"""Small networks to ask questions of: random ones, one in the middle of its owner's work, and ones that break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def seeded(make: Callable[[], Network]) -> Network:
    """Return a network of PyTorch's own random weights, the same ones every time, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval()


def small(classes: int = 4) -> nn.Sequential:
    """Return a network of two convolutions for images ``(N, 1, 10, 10)``."""
    return seeded(
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Conv2d(6, 5, 3), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(5 * 36, classes)),
        )
    )


def half_precision() -> nn.Sequential:
    """Return a network in bfloat16 for images ``(N, 3, 12, 12)``."""
    layers = (nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten())
    return seeded(lambda: nn.Sequential(nn.Conv2d(3, 8, 3), *layers, nn.Linear(128, 5))).to(torch.bfloat16)


def deep() -> nn.Sequential:
    """Return a network of 57 small layers for images ``(N, 3, 8, 8)``."""

    def made() -> nn.Sequential:
        pairs = [each for _ in range(28) for each in (nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))]
        return nn.Sequential(*pairs, nn.Flatten(), nn.Linear(3 * 8 * 8, 5))

    return seeded(made)


def fill(model: Network) -> Network:
    """Draw all values of a network, those of its normalisations too, none of them neutral; return it for evaluation.

    So every class and image has a map of its own.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, values in model.state_dict().items():
            if values.is_floating_point():
                drawn = torch.randn(values.shape, generator=generator) * 0.4
                values.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return model.eval()


def with_statistics(model: Network, *shape: int) -> Network:
    """Give normalisation layers the running statistics of a trained network: those of its own weights."""
    with torch.no_grad():
        for _ in range(10):
            model.train()(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    return model.eval()


class HalfwayError(RuntimeError):
    """What the breaking layer raises."""


class BreaksInBackward(torch.autograd.Function):
    """Hands values on, and raises when their gradient comes back."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
        return values.clone()

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
        raise HalfwayError


class Breaking(nn.Module):
    """A layer that raises ``"forward"`` or ``"backward"``, or ``"never"``."""

    def __init__(self, when: str) -> None:
        super().__init__()
        self.when = when

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        if self.when == "forward":
            raise HalfwayError
        broken: torch.Tensor = BreaksInBackward.apply(values) if self.when == "backward" else values
        return broken


def lived_in_model(breaks: str = "never") -> nn.Sequential:
    """Return a network in the middle of its owner's work: mixed modes, a frozen weight, a gradient, a hook.

    For images ``(N, 3, 64, 64)``; ten classes.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        convolution, linear = nn.Conv2d(3, 4, 5, stride=4), nn.Linear(4 * 15 * 15, 10)
    dropout, flatten = nn.Dropout(), nn.Flatten()
    between = (nn.BatchNorm2d(4), nn.ReLU(inplace=True), dropout, flatten)
    model = nn.Sequential(convolution, *between, linear, Breaking(breaks))
    model.train()
    dropout.eval()
    convolution.weight.requires_grad_(False)
    linear.weight.grad = torch.ones_like(linear.weight)
    flatten.register_forward_hook(lambda module, arguments, output: None)
    return model


def is_copy(model: nn.Module, of: nn.Module) -> bool:
    """Return whether a model is another object with the same weights, so that nothing done to it reaches the other."""
    own, others = model.state_dict(), of.state_dict()
    same = list(own) == list(others) and all(torch.equal(own[name], others[name]) for name in own)
    return same and not {each.data_ptr() for each in own.values()} & {each.data_ptr() for each in others.values()}
