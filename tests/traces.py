"""What a method may not leave behind: everything of the user's, before and after; and models that break half-way."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

Method = Callable[..., torch.Tensor]


class HalfwayError(RuntimeError):
    """What the breaking layer raises."""


class BreaksInBackward(torch.autograd.Function):
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


def lived_in_model(breaks: str = "never") -> nn.Module:
    """Return a network in the middle of its owner's work: mixed modes, a frozen weight, a gradient, a hook."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(
            nn.Conv2d(3, 4, 5, stride=4),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(4 * 15 * 15, 10),
            Breaking(breaks),
        )
    model.train()
    model[3].eval()
    model[0].weight.requires_grad_(False)
    model[5].weight.grad = torch.ones_like(model[5].weight)
    model[4].register_forward_hook(lambda module, args, output: None)
    return model


@contextmanager
def left_as_found(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> Iterator[None]:
    """Assert that what happens inside changes nothing that belongs to someone else, also where it raises."""
    before = traces(model, images, targets)
    try:
        yield
    finally:
        assert traces(model, images, targets) == before


def traces(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> dict[str, Any]:
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers()), "images": images, "targets": targets}
    return {
        "tensors": {name: trace(tensor) for name, tensor in tensors.items()},
        # All attributes of a module but the tensors: its mode, its children, its hooks of every kind, and any residue.
        "modules": {
            name: {key: str(value) for key, value in vars(module).items() if key not in ("_parameters", "_buffers")}
            for name, module in model.named_modules()
        },
        "random streams": [
            digest(torch.get_rng_state().numpy()),
            digest(np.random.get_state()[1]),  # type: ignore[arg-type]
            hash(random.getstate()),
        ],
        "torch": [torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads()],
    }


def trace(tensor: torch.Tensor) -> list[object]:
    gradient = None if tensor.grad is None else digest(tensor.grad.numpy())
    return [id(tensor), digest(tensor.detach().numpy()), tensor.stride(), tensor.requires_grad, gradient]


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
