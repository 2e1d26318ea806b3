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
from functools import cached_property
from types import MethodType
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F

from ..foundation.inference import logits_of
from ..foundation.randomness import derived_seed
from .stage import OneStage, Stage
from .units import Unit, units_of

Change = Callable[[nn.Module, "Pair", torch.Generator], None]
KINDS = ("permutation", "rescaling", "input_shift")
# Of the spread of the logits: rounding is 1e-12 of it, and a layer that was connected otherwise is 1e-3 or more.
SAME = 1e-7
# Each pair of layers costs a pass in float64; eight changed layers are as good a question as eighty.
MOST_CHANGED, MOST_TRIED = 8, 32
SAMPLE = 1  # to look for layers; what is found is then tried on all images


@dataclass(frozen=True)
class Pair:
    """Two weighted layers of which the second takes what the first gives, and the normalisation layers in between."""

    first: str
    between: tuple[str, ...]
    second: str

    @property
    def scaled(self) -> str:
        """The layer whose outputs reach the second one as they are, up to a ReLU."""
        return self.between[-1] if self.between else self.first


class Symmetry(OneStage):
    """The one stage ``kind``: a model that gives the same logits, written down differently.

    ``kind`` is one of ``KINDS``. ``changed`` names the layers that are changed; empty where the network has none that
    can be. For ``input_shift``, ``shift`` is what is added to the images.
    """

    same_noise = True

    def __init__(
        self, model: nn.Module, kind: str, *, seed: int = 0, images: torch.Tensor, pairs: Sequence[Pair] | None = None
    ) -> None:
        self.model = model
        self.kind = self.stage = kind
        self.seed = seed
        self.given_images = self.images = images
        self.repeats = kind != "input_shift"
        self.shift = float(images.amax() - images.amin()) if kind == "input_shift" else 0.0
        self._found = pairs

    def bind(self, images: torch.Tensor, seed: int) -> Symmetry:
        """Return the same for these images, with another draw for another seed."""
        pairs = None if self.kind == "input_shift" else self.pairs
        return Symmetry(self.model, self.kind, seed=derived_seed(self.seed, seed), images=images, pairs=pairs)

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.kind, self._written[0], shift=self.shift)

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the layers that are changed."""
        return self._written[1]

    @cached_property
    def pairs(self) -> Sequence[Pair]:
        """The pairs of layers of which a change leaves the function as it is. Which they are, no seed decides."""
        if self._found is not None:
            return self._found
        model, units, sample = self._precise()
        found = self._pairs_among(pairs_of(model, units)[:MOST_TRIED], model, sample[:SAMPLE])
        together = leave_the_same(model, found, self._change, sample, logits_of(model, sample))
        return found if together else self._pairs_among(found, model, sample)

    def _pairs_among(self, pairs: Sequence[Pair], model: nn.Module, images: torch.Tensor) -> list[Pair]:
        expected = logits_of(model, images)
        found: list[Pair] = []
        for pair in pairs:
            if len(found) < MOST_CHANGED and leave_the_same(model, [pair], self._change, images, expected):
                found.append(pair)
        return found

    @cached_property
    def _written(self) -> tuple[nn.Module, tuple[str, ...]]:
        model, units, sample = self._precise()
        if self.kind == "input_shift":
            changed = absorb_shift(model, units, sample, self.shift)
        else:
            generator = torch.Generator("cpu").manual_seed(self.seed)
            for pair in self.pairs:
                self._change(model, pair, generator)
            changed = tuple(pair.first if self.kind == "permutation" else pair.scaled for pair in self.pairs)
        return like(self.model, model), changed

    def _precise(self) -> tuple[nn.Module, list[Unit], torch.Tensor]:
        """Return a copy of the model in float64, its units, and some images."""
        precise = copy.deepcopy(self.model).eval().cpu().double()
        images = self.images.cpu().double()
        return precise, [unit for unit in units_of(precise, images[:SAMPLE]) if unit.parameters], images

    @property
    def _change(self) -> Change:
        return permute if self.kind == "permutation" else rescale


def like(model: nn.Module, copied: nn.Module) -> nn.Module:
    """Return a copy of a model with every parameter and buffer where, and of the type, it is in the model."""
    own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in [*copied.named_parameters(), *copied.named_buffers()]:
            # A bias that the copy alone has is like the weight beside it.
            pattern = own.get(name, own.get(name.replace("bias", "weight")))
            if pattern is not None:
                tensor.data = tensor.data.to(pattern.device, pattern.dtype)
    return copied


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


def leave_the_same(
    model: nn.Module, pairs: Sequence[Pair], change: Change, images: torch.Tensor, expected: torch.Tensor
) -> bool:
    """Return whether the logits stay as ``expected`` when pairs of layers are changed; the changes are taken back."""
    names = {name for pair in pairs for name in (pair.first, *pair.between, pair.second)}
    tensors = [tensor for name in names for tensor in tensors_of(model.get_submodule(name))]
    before = [tensor.detach().clone() for tensor in tensors]
    for pair in pairs:
        change(model, pair, torch.Generator("cpu").manual_seed(0))
    same = same_logits(expected, logits_of(model, images))
    with torch.no_grad():
        for tensor, values in zip(tensors, before, strict=True):
            tensor.copy_(values)
    return same


def tensors_of(module: nn.Module) -> list[torch.Tensor]:
    """Return a module's own parameters and buffers."""
    return [*module.parameters(recurse=False), *module.buffers(recurse=False)]


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
            for tensor in tensors_of(module):
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
    last = model.get_submodule(pair.scaled)
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
