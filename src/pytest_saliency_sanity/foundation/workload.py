"""What a model's pass costs, and the number of threads and of images at a time that suit it.

A small network gains little from a second thread. On a busy machine, threads that wait for each other at every layer
take several times as long (docs/conventions.md, "Threads"), and sums that are split differently are rounded
differently. So small models are measured in one thread on every machine; large ones keep the user's number of threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from .inference import evaluation_mode, images_for, rows_at_a_time, watch
from .memory import room_for_passes
from .threads import one_thread

# Multiplications of one forward pass for one image. The shipped networks need 3 and 7 million, the paper's 218 and 731,
# torchvision's MobileNetV3-small at 224 x 224 needs 57 and its ResNet-18 1,814.
SMALL = 50_000_000
LAYERS = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
GRAPH = 2  # times what the layers return is what a pass and its gradients take


@dataclass(frozen=True)
class Workload:
    """What a forward pass of a model takes for one image.

    ``multiplications``: those in convolutions and linear layers. ``bytes``: what all modules return. ``device``: of the
    model.
    """

    multiplications: int
    bytes: int
    device: torch.device

    @property
    def is_small(self) -> bool:
        """Whether a single thread is as good as several."""
        return self.device.type == "cpu" and self.multiplications <= SMALL

    @property
    def rows(self) -> int:
        """How many images at a time fit into the room for passes."""
        return max(1, room_for_passes(self.device) // max(1, GRAPH * self.bytes))

    @contextmanager
    def suited(self) -> Iterator[None]:
        """Use a number of threads, and of images at a time, that suit the model within the context."""
        with one_thread() if self.is_small else nullcontext(), rows_at_a_time(self.rows):
            yield


def workload_of(model: nn.Module, images: torch.Tensor) -> Workload:
    """Return what a pass takes for one of the images ``(N, C, H, W)``; nothing, for images that do not fit."""
    image = images_for(model, images[:1])
    total, returned = 0, dict[int, torch.Tensor]()  # kept, so that no memory is used twice

    def note(module: nn.Module, _: Any, output: Any) -> None:
        nonlocal total
        if isinstance(output, torch.Tensor):
            returned[output.data_ptr()] = output
            if isinstance(module, LAYERS):
                total += output.numel() * module.weight[0].numel()

    modules = [module for module in model.modules() if not any(module.children())]
    try:
        with one_thread(), evaluation_mode(model):
            watch(model, image, modules, note)
    except Exception:  # the measurement reports it
        return Workload(SMALL + 1, 0, image.device)
    return Workload(total, sum(output.nbytes for output in returned.values()), image.device)


@contextmanager
def suited_to(model: nn.Module, images: torch.Tensor) -> Iterator[None]:
    """Use a number of threads, and of images at a time, that suit the model and images within the context."""
    with workload_of(model, images).suited():
        yield
