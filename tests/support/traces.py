"""What nobody may leave behind: everything of the user's, before and after."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


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
        "random streams": random_streams(),
        "torch": [torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads()],
    }


def random_streams() -> list[object]:
    """Return where the global random streams of torch, numpy and Python stand."""
    numpy = np.random.get_state(legacy=False)["state"]
    return [digest(torch.get_rng_state().numpy()), digest(numpy["key"]), numpy["pos"], hash(random.getstate())]


def trace(tensor: torch.Tensor) -> list[object]:
    gradient = None if tensor.grad is None else digest(tensor.grad.numpy())
    return [id(tensor), digest(tensor.detach().numpy()), tensor.stride(), tensor.requires_grad, gradient]


def digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
