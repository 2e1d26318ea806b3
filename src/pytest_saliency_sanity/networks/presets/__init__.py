"""The presets: a folder for each, with its registration and what does the work."""

# ruff: noqa: D102, D103
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..architectures import MODELS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ...data.batch import Batch


@dataclass(frozen=True)
class Preset:
    """The old class, until nobody calls it: see ``registry``."""

    name: str = "embedded"
    cache_dir: Path | None = None
    data: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from .registry import PRESETS

        if self.name != "imagenet" and (self.data or self.weights):
            raise ValueError(f"photographs and weights files belong to the preset imagenet, not to {self.name}")
        PRESETS.named(self.name)

    @cached_property
    def opened(self) -> Any:
        from .registry import PRESETS

        known = PRESETS.named(self.name)
        return known.open(**{option: getattr(self, option) for option in known.options})

    def model(self, spec: str, device: torch.device | str = "cpu") -> nn.Module:
        from ..resolve import resolve_network

        return resolve_network(spec, self.opened, MODELS, device)

    def has_twin(self, spec: str) -> bool:
        return self.name != "imagenet" and spec in MODELS

    def has_biased_twin(self, spec: str) -> bool:
        return self.name == "embedded" and spec in MODELS

    def memorized_model(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        model: nn.Module = self.opened.supply("memorized_model", name, 0, device)
        return model

    def batch(self, n: int, *, at_most: bool = False) -> Batch:
        batch: Batch = self.opened.batch(n, at_most=at_most)
        return batch


def as_preset(preset: Preset | str) -> Preset:
    return Preset(preset) if isinstance(preset, str) else preset
