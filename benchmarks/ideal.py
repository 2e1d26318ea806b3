"""The least time that a cascade can take: the work that can't be avoided, as fast as this machine does it.

Of a stage, only the layers from the first randomised one upward get another input than before, so only they must run
forward again. Backward, Grad-CAM must pass the layers above the one that it explains; a gradient all of them. The work
of each layer is counted by PyTorch, and is as fast as the best of several runs of that layer alone. Everything else is
taken to be free: activation functions, pooling, drawing and copying weights, ranks.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from stopwatch import seconds_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from workloads import Workload

from pytest_saliency_sanity.foundation.inference import watch

MOST_ROWS = 32  # of a pass; more are no faster on a layer alone
FEW_ROWS = 8


class Work(NamedTuple):
    """Floating-point operations, and the seconds that they take."""

    flops: float
    seconds: float

    def times(self, count: float) -> Work:
        """Return this work, done several times."""
        return Work(self.flops * count, self.seconds * count)


class LayerWork(NamedTuple):
    """What a layer does for one image: forward, and the gradient of its input."""

    forward: Work
    backward: Work
    convolution: bool


def ideal(workload: Workload, repeats: int) -> Work:
    """Return the least work of the whole cascade, original included."""
    return least_work(layers_of(workload, repeats), workload.job.method).times(
        len(workload.images) * workload.job.samples
    )


def least_work(layers: Sequence[LayerWork], method: str) -> Work:
    """Return the least work of one image, given the layers in order of execution."""
    last_convolution = max(index for index, layer in enumerate(layers) if layer.convolution)
    works = []
    for index, layer in enumerate(layers):
        works.append(layer.forward.times(index + 2))  # originally, and at each stage that randomises it or one below
        if method != "gradcam" or index > last_convolution:
            works.append(layer.backward.times(len(layers) + 1))
    return total(works)


def total(works: Iterable[Work]) -> Work:
    """Return the sum of several works."""
    flops, seconds = zip(*works, strict=True)
    return Work(sum(flops), sum(seconds))


def layers_of(workload: Workload, repeats: int) -> list[LayerWork]:
    """Return the work of each layer for one image, in order of execution: the fastest of two sizes of the batch."""
    rows = len(workload.images) * workload.job.samples
    sizes = sorted({min(rows, FEW_ROWS), min(rows, MOST_ROWS)})
    measured = [measured_layers(workload, size, repeats) for size in sizes]
    return [
        LayerWork(
            min((each.forward for each in same), key=lambda work: work.seconds),
            min((each.backward for each in same), key=lambda work: work.seconds),
            same[0].convolution,
        )
        for same in zip(*measured, strict=True)
    ]


def measured_layers(workload: Workload, rows: int, repeats: int) -> list[LayerWork]:
    """Return the work of each layer for one image, measured on a batch of ``rows``."""
    model = copy.deepcopy(workload.model).requires_grad_(False)
    images = workload.images.repeat(workload.job.samples, 1, 1, 1)[:rows]
    inputs: list[tuple[nn.Module, torch.Tensor]] = []

    def note(module: nn.Module, given: Any, _: Any) -> None:
        inputs.append((module, given[0].detach().clone()))

    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    watch(model, images, layers, note)
    return [measured_layer(module, values, repeats) for module, values in inputs]


def measured_layer(layer: nn.Module, values: torch.Tensor, repeats: int) -> LayerWork:
    """Return the work of a layer for one row of its input."""

    def forward() -> None:
        with torch.no_grad():
            layer(values)

    with_gradient = values.clone().requires_grad_()
    output = layer(with_gradient)
    given = torch.randn_like(output)

    def backward() -> None:
        torch.autograd.grad(output, with_gradient, given, retain_graph=True)

    there, back = (best(call, repeats, values.device).times(1 / len(values)) for call in (forward, backward))
    return LayerWork(there, back, isinstance(layer, nn.Conv2d))


def best(call: Callable[[], None], repeats: int, device: torch.device) -> Work:
    """Return the operations of a call, and the least of its times."""
    with FlopCounterMode(display=False) as counter:
        call()
    return Work(counter.get_total_flops(), min(seconds_of(call, device) for _ in range(repeats)))
