"""Small networks are measured in a single thread.

A small network gains little from a second thread. On a busy machine, threads that wait for each other at every layer
take several times as long (docs/conventions.md, "Threads"), and sums that are split differently are rounded
differently. So small models are measured in one thread on every machine; large ones keep the user's number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn

from .inference import evaluation_mode, images_for, watch

# Multiplications of one forward pass for one image. The shipped networks need 3 and 7 million, the paper's 218 and 731,
# torchvision's MobileNetV3-small at 224 x 224 needs 57 and its ResNet-18 1,814.
SMALL = 50_000_000


def one_thread() -> AbstractContextManager[None]:
    """Use one thread within the context; restore the number of threads, also after an exception."""
    return threads(1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use this many threads within the context; restore the number of threads, also after an exception."""
    before = torch.get_num_threads()
    try:
        if before != count:
            torch.set_num_threads(count)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


@contextmanager
def threads_for(model: nn.Module, images: torch.Tensor) -> Iterator[None]:
    """Use one thread within the context if the model is small for these images ``(N, C, H, W)``."""
    with one_thread() if is_small(model, images_for(model, images[:1])) else nullcontext():
        yield


def is_small(model: nn.Module, image: torch.Tensor) -> bool:
    """Return whether a model on the CPU needs few multiplications for an image ``(1, C, H, W)``."""
    if image.device.type != "cpu":
        return False
    try:
        return multiplications(model, image) <= SMALL
    except Exception:  # images that do not fit the model: the measurement reports it
        return False


def multiplications(model: nn.Module, image: torch.Tensor) -> int:
    """Return the number of multiplications in convolutions and linear layers for one image ``(1, C, H, W)``."""
    total = 0

    def count(module: nn.Module, _: Any, output: Any) -> None:
        nonlocal total
        weight = module.weight
        assert isinstance(weight, torch.Tensor)
        if isinstance(output, torch.Tensor):
            total += output.numel() * weight[0].numel()

    layers = [module for module in model.modules() if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear)]
    with one_thread(), evaluation_mode(model):
        watch(model, image, layers, count)
    return total
