"""The laws that new weights are drawn from.

All draws are made on the CPU from one explicit generator, so a seed means the same weights on every device. The scales
of normalisation layers are drawn around 1 if the law draws other weights around 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..foundation.copying import copied

Draw = Callable[[torch.Tensor, torch.Generator], torch.Tensor]
PLAIN = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def randomize(module: nn.Module, names: tuple[str, ...], *, law: str, std: float, generator: torch.Generator) -> None:
    """Replace a module's own parameters, in place, by draws from a law: one of ``foundation.reading.LAWS``.

    ``std`` is that of ``"normal"``, the paper's law (section 4.2: std = 0.01). ``"reinit"`` falls back to ``"match"``
    for a module without an initialiser of its own.
    """
    if law == "reinit":
        if (
            type(module) in PLAIN
            and len(names) == len(list(module.parameters()))
            and module.weight.device.type == "cpu"
        ):
            _initialise(module, generator)  # in place, since it draws all of its values anew
            return
        fresh = _reinitialise(module, generator)
        if fresh is not None:
            _replace(module, names, lambda name: getattr(fresh, name))
            return
        law = "match"
    centre = 1.0 if _is_normalization(module) else 0.0

    def draw(name: str) -> torch.Tensor:
        old = getattr(module, name).detach().cpu().float()
        if law == "normal":
            return std * torch.randn(old.shape, generator=generator, device="cpu", dtype=torch.float32) + (
                centre if name == "weight" else 0.0
            )
        return _permute(old, generator) if law == "permute" else _match(old, generator)

    _replace(module, names, draw)


def _replace(module: nn.Module, names: tuple[str, ...], value: Callable[[str], torch.Tensor]) -> None:
    with torch.no_grad():
        for name in names:
            getattr(module, name).copy_(value(name))


def _permute(old: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return old.flatten()[torch.randperm(old.numel(), generator=generator, device="cpu")].view_as(old)


def _match(old: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return old.mean() + old.std(correction=0) * torch.randn(
        old.shape, generator=generator, device="cpu", dtype=torch.float32
    )


def _reinitialise(module: nn.Module, generator: torch.Generator) -> nn.Module | None:
    """Return a copy of the module, initialised by its own initialiser; None if it has none."""
    if not hasattr(module, "reset_parameters") and not hasattr(module, "_reset_parameters"):
        return None
    fresh = copied(module).cpu()  # with its values, since some initialisers leave some of them alone
    _initialise(fresh, generator)
    return fresh


def _initialise(module: nn.Module, generator: torch.Generator) -> None:
    initialise: Any = getattr(module, "reset_parameters", None) or module._reset_parameters
    # Initialisers draw from the global stream, so it gets a seed from the generator, another one for every module.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(torch.randint(2**62, (), generator=generator, device="cpu")))
        initialise()


def _is_normalization(module: nn.Module) -> bool:
    return "Norm" in type(module).__name__ or isinstance(module, nn.modules.batchnorm._NormBase | nn.LayerNorm)
