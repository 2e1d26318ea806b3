"""Networks that compute the same function with other weights.

What a method says of a function should not depend on how it is written down. Three ways to write it differently:

- ``permutation``: the channels of a hidden layer change places (Sundararajan et al. 2017, arXiv:1703.01365,
  section 2.2: implementation invariance);
- ``rescaling``: the channels of a hidden layer are multiplied by powers of two, and the next layer divides by them,
  which ReLU networks do not notice (Dinh et al. 2017, arXiv:1703.04933, section 3);
- ``input_shift``: a constant is added to every image, and the first layer's bias takes it off again (Kindermans et al.
  2017, arXiv:1711.00867, section 3).

Whether the function really is the same is not deduced from the architecture but measured, in float64, on the images; a
layer where it is not is left alone.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F

from ..models.inference import logits_of
from .stage import OneStage, Stage
from .units import Unit, units_of

KINDS = ("permutation", "rescaling", "input_shift")
# Of the spread of the logits: rounding is 1e-12 of it, and a layer that was connected otherwise is 1e-3 or more.
SAME = 1e-7
# Each pair of layers costs a pass in float64; eight changed layers are as good a question as eighty.
MOST_CHANGED, MOST_TRIED = 8, 32
SAMPLE = 4


@dataclass(frozen=True)
class Pair:
    """Two weighted layers of which the second takes what the first gives, and the normalisation layers in between."""

    first: str
    between: tuple[str, ...]
    second: str


class Symmetry(OneStage):
    """The one stage ``kind``: a model that gives the same logits, written down differently.

    ``kind`` is one of ``KINDS``. ``changed`` names the layers that were changed; empty where the network has none that
    can be. For ``input_shift``, ``shift`` is what was added to the images.
    """

    same_noise = True

    def __init__(self, model: nn.Module, kind: str, *, seed: int = 0, images: torch.Tensor) -> None:
        self.model = model
        self.kind = self.stage = kind
        self.seed = seed
        self.given_images = images
        self.repeats = kind != "input_shift"
        self.shift = 0.0
        self.changed: tuple[str, ...] = ()
        self.equivalent = self._made(images)

    def bind(self, images: torch.Tensor, seed: int) -> Symmetry:
        """Return the same for these images, with another draw for another seed."""
        return Symmetry(self.model, self.kind, seed=seed, images=images)

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.kind, self.equivalent, shift=self.shift)

    def _made(self, images: torch.Tensor) -> nn.Module:
        precise = copy.deepcopy(self.model).eval().cpu().double()
        sample = images[:SAMPLE].cpu().double()
        units = [unit for unit in units_of(precise, sample) if unit.parameters]
        if self.kind == "input_shift":
            self.shift = float(images.amax() - images.amin())
            self.changed = absorb_shift(precise, units, sample, self.shift)
        else:
            self.changed = self._rewritten(precise, units, sample)
        own = next(self.model.parameters())
        return precise.to(own.device, own.dtype)

    def _rewritten(self, model: nn.Module, units: Sequence[Unit], images: torch.Tensor) -> tuple[str, ...]:
        change = permute if self.kind == "permutation" else rescale
        generator = torch.Generator("cpu").manual_seed(self.seed)
        changed: list[str] = []
        for pair in pairs_of(model, units)[:MOST_TRIED]:
            if len(changed) < MOST_CHANGED and kept_if_same(model, images, _changer(change, pair, generator)):
                changed.append(pair.first)
        return tuple(changed)


def _changer(change: Callable[..., None], pair: Pair, generator: torch.Generator) -> Callable[[nn.Module], None]:
    return lambda model: change(model, pair, generator)


def pairs_of(model: nn.Module, units: Sequence[Unit]) -> list[Pair]:
    """Return the pairs of neighbouring weighted layers, in order of execution, whose sizes fit together."""
    pairs: list[Pair] = []
    first, between = None, []
    for unit in units:
        module = model.get_submodule(unit.module)
        if not isinstance(module, nn.Linear | nn.Conv2d) or getattr(module, "groups", 1) > 1:
            between.append(unit.module)
            continue
        if first is not None and fits(model.get_submodule(first), module):
            pairs.append(Pair(first, tuple(between), unit.module))
        first, between = unit.module, []
    return pairs


def kept_if_same(model: nn.Module, images: torch.Tensor, change: Callable[[nn.Module], None]) -> bool:
    """Change a model in place, and take the change back unless its logits stay the same; return whether they do."""
    before = copy.deepcopy(model.state_dict())
    expected = logits_of(model, images)
    change(model)
    if same_logits(expected, logits_of(model, images)):
        return True
    model.load_state_dict(before)
    return False


def same_logits(expected: torch.Tensor, actual: torch.Tensor) -> bool:
    """Return whether logits ``(N, classes)`` differ by no more than rounding, compared with how much they vary."""
    spread = float(expected.amax() - expected.amin())
    return bool((actual - expected).abs().amax() <= SAME * spread)


def permute(model: nn.Module, pair: Pair, generator: torch.Generator) -> None:
    """Give the hidden channels between two layers other places, at random."""
    first, second = model.get_submodule(pair.first), model.get_submodule(pair.second)
    order = torch.randperm(outputs_of(first), generator=generator, device="cpu")
    with torch.no_grad():
        for module in (first, *(model.get_submodule(name) for name in pair.between)):
            for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False)):
                if tensor.ndim and len(tensor) == len(order):
                    tensor.copy_(tensor[order].clone())
        weight = by_channel(second, len(order))
        weight.copy_(weight[:, order].clone())


def rescale(model: nn.Module, pair: Pair, generator: torch.Generator) -> None:
    """Multiply the hidden channels by 1/4, 1/2, 2 or 4, each by its own, and divide by it in the next layer."""
    first, second = model.get_submodule(pair.first), model.get_submodule(pair.second)
    count = outputs_of(first)
    powers = torch.randint(4, (count,), generator=generator, device="cpu")
    factors = torch.tensor([0.25, 0.5, 2, 4], dtype=torch.float64, device="cpu")[powers]
    last = model.get_submodule(pair.between[-1]) if pair.between else first
    with torch.no_grad():
        for tensor in last.parameters(recurse=False):
            if tensor.ndim and len(tensor) == count:
                tensor.mul_(factors.view(-1, *[1] * (tensor.ndim - 1)))
        weight = by_channel(second, count)
        weight.div_(factors.view(-1, *[1] * (weight.ndim - 2)))


def absorb_shift(model: nn.Module, units: Sequence[Unit], images: torch.Tensor, shift: float) -> tuple[str, ...]:
    """Let the first layer take off a constant that is added to every pixel, padding included; return its name.

    Nothing where the first unit is no convolution or fully connected layer, or the function is not the same then.
    """
    name = units[0].module
    first = model.get_submodule(name)
    if not isinstance(first, nn.Linear | nn.Conv2d):
        return ()
    expected = logits_of(model, images)
    absorbed = shift * first.weight.detach().flatten(1).sum(1)
    bias = torch.zeros_like(absorbed) if first.bias is None else first.bias.detach()
    first.bias = nn.Parameter(bias - absorbed, requires_grad=first.weight.requires_grad)
    if isinstance(first, nn.Conv2d) and first.padding_mode == "zeros":
        first._conv_forward = MethodType(_padded_with(shift), first)  # type: ignore[method-assign]
    return (name,) if same_logits(expected, logits_of(model, images + shift)) else ()


def _padded_with(value: float) -> Callable[..., torch.Tensor]:
    """Return a convolution that pads with ``value``: what zeros become when a constant is added to all."""

    def convolve(layer: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        padded = F.pad(images, layer._reversed_padding_repeated_twice, value=value)
        return F.conv2d(padded, weight, bias, layer.stride, 0, layer.dilation, layer.groups)

    return convolve


def outputs_of(module: Any) -> int:
    """Return how many channels a weighted layer gives."""
    return len(module.weight)


def fits(first: nn.Module, second: nn.Module) -> bool:
    """Return whether a weighted layer takes as much as another gives; flattened, every position of a channel counts."""
    given, taken = outputs_of(first), int(cast(nn.Linear, second).weight.shape[1])
    return taken % given == 0 if isinstance(second, nn.Linear) else taken == given


def by_channel(module: Any, channels: int) -> torch.Tensor:
    """Return a view of a layer's weights ``(outputs, channels, ...)``, flattened positions by their channel."""
    weight: torch.Tensor = module.weight.detach()
    return weight.view(len(weight), channels, -1) if weight.ndim == 2 else weight
