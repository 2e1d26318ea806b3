"""Networks that compute the same function with other weights.

What a method says about a function should not depend on how the function is written. Three ways to rewrite it:

- ``permutation``: the channels of a hidden layer are reordered (Sundararajan et al. 2017, arXiv:1703.01365,
  section 2.2: implementation invariance);
- ``rescaling``: the channels of a hidden layer are multiplied by powers of two, and the next layer divides by them,
  which does not change a ReLU network (Dinh et al. 2017, arXiv:1703.04933, section 3);
- ``input_shift``: a constant is added to every image, and the first layer's bias subtracts it (Kindermans et al.
  2017, arXiv:1711.00867, section 3).

Whether the function stays the same is not deduced from the architecture but measured on the images, in float64. A
layer whose change alters the function is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MethodType
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional as F

from ..foundation.copying import copied
from ..foundation.inference import logits_of
from ..foundation.randomness import derived_seed
from .stage import OneStage, Stage
from .units import Unit, units_of

Change = Callable[[nn.Module, "Pair", torch.Generator], None]
KINDS = ("permutation", "rescaling", "input_shift")
# Relative to the spread of the logits: rounding is 1e-12, the effect of a layer that is connected otherwise 1e-3.
SAME = 1e-7
# Each pair of layers costs a pass in float64, and eight changed layers are as good a test as eighty.
MOST_CHANGED, MOST_TRIED = 8, 32
SAMPLE, PROOF = 1, 8  # images to find layers with, and then to try those found together


@dataclass(frozen=True)
class Pair:
    """Two weighted layers, one of which takes the output of the other, and the normalisation layers in between."""

    first: str
    between: tuple[str, ...]
    second: str

    @property
    def scaled(self) -> str:
        """The layer whose outputs reach the second one unchanged, up to a ReLU."""
        return self.between[-1] if self.between else self.first


class Symmetry(OneStage):
    """The single stage ``kind``: a model with other weights that gives the same logits.

    ``kind`` is one of ``KINDS``. ``changed`` names the layers that are changed; it is empty if the network has none
    that can be changed. For ``input_shift``, ``shift`` is the constant added to the images.
    """

    same_noise = True

    def __init__(
        self, model: nn.Module, kind: str, *, seed: int = 0, images: torch.Tensor, pairs: Sequence[Pair] | None = None
    ) -> None:
        self.model = model
        self.kind = kind
        self.stage: str = kind
        self.seed = seed
        self.given_images: torch.Tensor | None = images
        self.images: torch.Tensor = images
        self.repeats: bool = kind != "input_shift"
        self.shift: float = float(images.amax() - images.amin()) if kind == "input_shift" else 0.0
        self._found = pairs

    def bind(self, images: torch.Tensor, seed: int) -> Symmetry:
        """Return the same symmetry for these images; its draw depends on ``seed``."""
        if not self.repeats and images is self.images:
            return self  # nothing is drawn
        pairs = None if self.kind == "input_shift" else self.pairs
        return Symmetry(self.model, self.kind, seed=derived_seed(self.seed, seed), images=images, pairs=pairs)

    def only(self) -> Stage:
        """Return the stage."""
        return Stage(self.kind, self._rewritten[0], shift=self.shift)

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of the layers that are changed."""
        if self.kind == "input_shift":
            return self._rewritten[1]
        return tuple(pair.first if self.kind == "permutation" else pair.scaled for pair in self.pairs)

    @cached_property
    def pairs(self) -> Sequence[Pair]:
        """The pairs of layers that can be changed without changing the function. They do not depend on the seed."""
        if self._found is not None:
            return self._found
        model, units, sample = self._in_float64()
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
    def _rewritten(self) -> tuple[nn.Module, tuple[str, ...]]:
        if self.kind == "input_shift":
            precise, units, sample = self._in_float64()
            changed = absorb_shift(precise, units, sample, self.shift)
            return like(self.model, precise), changed
        model = copied(self.model).eval()
        generator = torch.Generator("cpu").manual_seed(self.seed)
        for pair in self.pairs:
            self._change(model, pair, generator)  # reordering is exact, and so are powers of two
        return model, self.changed

    def _in_float64(self) -> tuple[nn.Module, list[Unit], torch.Tensor]:
        """Return a copy of the model, its units and the images, all in float64 on the CPU."""
        precise = copied(self.model).eval().cpu().double()
        images = self.images[:PROOF].cpu().double()
        return precise, [unit for unit in units_of(precise, images[:SAMPLE]) if unit.parameters], images

    @property
    def _change(self) -> Change:
        return permute if self.kind == "permutation" else rescale


def like(model: nn.Module, precise: nn.Module) -> nn.Module:
    """Move every parameter and buffer of a copy to the device and type that it has in the model; return the copy."""
    own = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in [*precise.named_parameters(), *precise.named_buffers()]:
            # A bias that only the copy has gets those of the weight beside it.
            pattern = own.get(name, own.get(name.replace("bias", "weight")))
            if pattern is not None:
                tensor.data = tensor.data.to(pattern.device, pattern.dtype)
    return precise


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
    """Return whether the logits stay as ``expected`` if pairs of layers are changed; the changes are undone."""
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
    """Return whether logits ``(N, classes)`` differ by no more than rounding, relative to their spread."""
    spread = float(expected.amax() - expected.amin())
    return bool((actual - expected).abs().amax() <= SAME * spread)


def permute(model: nn.Module, pair: Pair, generator: torch.Generator) -> None:
    """Reorder the hidden channels between two layers at random."""
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
    """Multiply each hidden channel by 1/4, 1/2, 2 or 4, drawn at random, and divide by it in the next layer."""
    first, second = model.get_submodule(pair.first), model.get_submodule(pair.second)
    count = outputs_of(first)
    powers = torch.randint(4, (count,), generator=generator, device="cpu")
    factors = torch.tensor([0.25, 0.5, 2, 4], dtype=torch.float64, device="cpu")[powers]
    last = model.get_submodule(pair.scaled)
    with torch.no_grad():
        for tensor in last.parameters(recurse=False):
            if tensor.ndim and len(tensor) == count:
                tensor.mul_(factors.view(-1, *[1] * (tensor.ndim - 1)).to(tensor))
        weight = by_channel(second, count)
        weight.div_(factors.view(-1, *[1] * (weight.ndim - 2)).to(weight))


def absorb_shift(model: nn.Module, units: Sequence[Unit], images: torch.Tensor, shift: float) -> tuple[str, ...]:
    """Let the first layer subtract a constant that is added to every pixel, padding included; return its name.

    Returns nothing if the first unit is neither a convolution nor fully connected, or if the function changes.
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
        first._conv_forward = MethodType(_convolution_padded_with(shift), first)  # type: ignore[method-assign]
    return (name,) if same_logits(expected, logits_of(model, images + shift)) else ()


def _convolution_padded_with(value: float) -> Callable[..., torch.Tensor]:
    """Return a convolution that pads with ``value``, which zeros become if it is added to all pixels."""

    def convolve(layer: Any, images: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        padded = F.pad(images, layer._reversed_padding_repeated_twice, value=value)
        return F.conv2d(padded, weight, bias, layer.stride, 0, layer.dilation, layer.groups)

    return convolve


def outputs_of(module: Any) -> int:
    """Return the number of output channels of a weighted layer."""
    return len(module.weight)


def fits(first: nn.Module, second: nn.Module) -> bool:
    """Return whether ``second`` takes the channels that ``first`` gives, as they are or flattened with positions."""
    given, taken = outputs_of(first), int(cast(nn.Linear, second).weight.shape[1])
    return taken % given == 0 if isinstance(second, nn.Linear) else taken == given


def by_channel(module: Any, channels: int) -> torch.Tensor:
    """Return a view of a layer's weights ``(outputs, channels, ...)``, flattened positions grouped by channel."""
    weight: torch.Tensor = module.weight.detach()
    return weight.view(len(weight), channels, -1) if weight.ndim == 2 else weight
