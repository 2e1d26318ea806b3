"""Turns the name of a device into a ``torch.device`` that exists on this machine."""

from __future__ import annotations

import torch

from .errors import quoted


def resolve_device(name: str, turn: int = 0) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA if available, else the CPU, never MPS, which lacks float64.

    ``turn``: the place of this process among several that work at the same time. Each gets another GPU in turn, unless
    the name says which one. Only those count that ``CUDA_VISIBLE_DEVICES`` shows.

    Raises ValueError if this machine does not have the device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:  # PyTorch lists every kind that it knows
        raise ValueError(f"{quoted(name)} is no device: give auto, cpu, cuda, cuda:N or mps") from error
    count = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= count:
        raise ValueError(f"no device {quoted(name)}: this machine has {count or 'no'} CUDA device{'s' * (count != 1)}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("no device 'mps': this machine has no Metal")
    if device.type == "cuda" and device.index is None and turn:
        return torch.device("cuda", turn % count)
    return device
