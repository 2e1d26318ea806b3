"""The units of a model: the modules that own parameters, in the order in which their parameters are first used.

The order is observed in a forward pass, function call by function call. Hooks on modules would miss parameters used
outside their module's own forward: class tokens, position embeddings, the projections of ``nn.MultiheadAttention``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ..foundation.copying import copied
from ..foundation.inference import evaluation_mode


@dataclass(frozen=True)
class Unit:
    """A module that owns parameters: its name, the names of its own parameters, and the kind of its output.

    A normalisation layer with running statistics but no parameters is listed too, with ``parameters`` empty.
    ``beside``: whether it is executed after what the logits depend on, such as what a detector regresses boxes with.
    """

    name: str
    module: str
    parameters: tuple[str, ...]
    spatial: bool
    fully_connected: bool
    beside: bool = False


def units_of(model: nn.Module, images: torch.Tensor) -> list[Unit]:
    """Return the units of a model in order of execution on ``images`` ``(N, C, H, W)``; unused ones come last.

    A parameter that two modules share belongs to the first of them. Raises ValueError for a model without parameters.
    """
    owned = _owned_parameters(model)
    if not any(owned.values()):
        raise ValueError(f"{type(model).__name__} has no parameters to randomise")
    first_use, outputs = _watch(model, images, owned)
    registered = {module: position for position, module in enumerate(owned)}
    never = len(first_use) + len(owned)
    ordered = sorted(owned, key=lambda name: (first_use.get(name, never), registered[name]))
    modules = dict(model.named_modules())
    units = [_unit(name, modules[name], owned[name], outputs.get(name)) for name in ordered]
    beside = _beside_the_logits(model, images, [unit for unit in units if unit.name in first_use])
    return [replace(unit, beside=unit.name in beside) for unit in units]


def classifier_of(units: list[Unit]) -> tuple[str, ...]:
    """Return the classifier's units, in order of execution: the fully connected ones after the last spatial output.

    If there are none, the last unit. Normalisation layers between them do not count, and neither do layers beside the
    logits.
    """
    trailing: list[str] = []
    units = [unit for unit in units if not unit.beside] or units
    for unit in reversed(units):
        if unit.spatial:
            break
        if unit.fully_connected:
            trailing.append(unit.name)
    return tuple(reversed(trailing)) or (units[-1].name,)


def _beside_the_logits(model: nn.Module, images: torch.Tensor, units: list[Unit]) -> set[str]:
    """Return the names of the units beside the logits: other values of their parameters leave every bit of them.

    They are looked for from the end, until the first spatial output that the logits depend on.
    """
    beside: set[str] = set()
    working = copied(model)
    with evaluation_mode(working), torch.no_grad():
        output = working(images[:1].clone())
        if not isinstance(output, torch.Tensor):
            return beside
        for unit in reversed(units):
            module = working.get_submodule(unit.module)
            own = [parameter for name, parameter in module.named_parameters(recurse=False) if name in unit.parameters]
            trained = [parameter.clone() for parameter in own]
            for parameter in own:
                parameter.mul_(2).add_(1)
            if own and torch.equal(working(images[:1].clone()), output):
                beside.add(unit.name)
            elif unit.spatial:
                break
            for parameter, values in zip(own, trained, strict=True):
                parameter.copy_(values)
    return beside


def _owned_parameters(model: nn.Module) -> dict[str, dict[str, nn.Parameter]]:
    owned: dict[str, dict[str, nn.Parameter]] = {}
    seen: set[int] = set()
    for name, module in model.named_modules():
        if running_mean(module) is not None:
            owned[name] = {}
        for own, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                owned.setdefault(name, {})[own] = parameter
    return owned


def _unit(module_name: str, module: nn.Module, own: dict[str, nn.Parameter], output: torch.Size | None) -> Unit:
    spatial = output is not None and (len(output) == 3 or (len(output) > 3 and output[2:].numel() > 1))
    fully_connected = isinstance(module, nn.Linear) and output is not None and len(output) == 2
    # The model itself has no name, so its own parameters are named instead.
    return Unit(module_name or "+".join(own), module_name, tuple(own), spatial, fully_connected)


def _watch(
    model: nn.Module, images: torch.Tensor, owned: dict[str, dict[str, nn.Parameter]]
) -> tuple[dict[str, int], dict[str, torch.Size]]:
    """Run the model once; return the position of each unit in the order of first use, and the shape of its output."""
    outputs: dict[str, torch.Size] = {}
    modules = dict(model.named_modules())

    def note(name: str) -> Any:
        def hook(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                outputs[name] = output.shape

        return hook

    handles = [modules[name].register_forward_hook(note(name)) for name in owned]
    watched = {id(parameter): name for name, own in owned.items() for parameter in own.values()}
    watched |= {id(kept): name for name in owned if (kept := running_mean(modules[name])) is not None}
    watch = _FirstUse(watched)
    try:
        with evaluation_mode(model), torch.no_grad(), watch:
            model(images[:1].clone())
    finally:
        for handle in handles:
            handle.remove()
    return watch.order, outputs


def running_mean(module: nn.Module) -> torch.Tensor | None:
    """Return the running mean of a normalisation layer, or None if it has none."""
    kept = getattr(module, "running_mean", None)
    return kept if isinstance(kept, torch.Tensor) else None


class _FirstUse(TorchFunctionMode):
    """Records the order in which parameters are first passed to a torch function."""

    def __init__(self, owner: dict[int, str]) -> None:
        super().__init__()
        self.owner = owner
        self.order: dict[str, int] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Record the parameters among the arguments, and run the function."""
        for tensor in _tensors([*args, *(kwargs or {}).values()]):
            name = self.owner.get(id(tensor))
            if name is not None:
                self.order.setdefault(name, len(self.order))
        return func(*args, **(kwargs or {}))


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
