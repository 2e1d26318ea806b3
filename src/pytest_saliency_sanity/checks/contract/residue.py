"""Compares what belongs to the caller before and after a call: model, images and random streams."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import nn

TENSORS = ("_parameters", "_buffers", "_modules")


def belongings(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> dict[str, object]:
    """Return everything that a method must leave as found, by descriptive names."""
    found: dict[str, object] = {}
    for label, tensor in (("the images", images), ("the targets", targets)):
        found |= _of_tensor(label, tensor)
    for name, module in model.named_modules():
        found |= _of_module(name or "the model itself", module)
    return found


def difference(before: dict[str, object], after: dict[str, object]) -> str | None:
    """Return a description of the first difference; None if there is none."""
    if before == after:
        return None
    for name in sorted({*before, *after}):
        if name not in after:
            return f"{name} is gone"
        if name not in before:
            return f"{name} is new"
        if before[name] != after[name]:
            return f"{name} changed{_from_to(before[name], after[name])}"
    return None


def random_streams() -> dict[str, object]:
    """Return the states of the global random streams of torch, numpy and Python."""
    numpy: Any = np.random.get_state()
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": (numpy[1].tobytes(), numpy[2:]),
        "Python": random.getstate(),
    }


def _of_module(name: str, module: nn.Module) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in vars(module).items():
        if key == "training":
            found[f"the training mode of {name}"] = value
        elif key.endswith("_hooks"):
            found[f"the hooks ({key.strip('_')}) of {name}"] = tuple(value)
        elif key not in TENSORS:
            found[f"the attribute {key} of {name}"] = value if isinstance(value, bool | int | str) else id(value)
    found[f"the layers of {name}"] = tuple((child, id(value)) for child, value in module._modules.items())
    for key, tensor in (*module._parameters.items(), *module._buffers.items()):
        if tensor is not None:
            found |= _of_tensor(f"{key} of {name}", tensor)
    return found


def _of_tensor(name: str, tensor: torch.Tensor) -> dict[str, object]:
    return {
        f"the values of {name}": tensor.detach().cpu().numpy().tobytes(),
        f"requires_grad of {name}": tensor.requires_grad,
        f"grad of {name}": None if tensor.grad is None else tensor.grad.cpu().numpy().tobytes(),
        f"the identity of {name}": id(tensor),
        f"the hooks of {name}": (
            tuple(tensor._backward_hooks or ()),
            tuple(getattr(tensor, "_post_accumulate_grad_hooks", None) or ()),
        ),
    }


def _from_to(before: object, after: object) -> str:
    if isinstance(before, bool | int | str) and isinstance(after, bool | int | str):
        return f" from {before} to {after}"
    return ": it was None" if before is None else ""
