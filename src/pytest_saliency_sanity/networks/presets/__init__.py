"""Presets: which trained networks the built-in names mean, and what they look at. Standard library only at import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...foundation.errors import unknown_name
from ..architectures import MODELS
from ..names import MEMORIZED, PRESETS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from ...data.batch import Batch


@dataclass(frozen=True)
class Preset:
    """A family of trained networks.

    ``name``: ``"embedded"``, narrow networks that the package ships; ``"paper"``, the paper's own, trained on first
    use and kept in ``cache_dir``; ``"imagenet"``, torchvision's with their ImageNet weights, or those of the files in
    ``weights`` (by name of the network), looking at the photographs in the folder ``data``.

    Raises ValueError for an unknown name, or for what does not belong to the preset.
    """

    name: str = PRESETS[0]
    cache_dir: Path | None = None
    data: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in PRESETS:
            raise unknown_name("preset", self.name, PRESETS)
        if self.name != "imagenet" and (self.data or self.weights):
            raise ValueError(f"photographs and weights files belong to the preset imagenet, not to {self.name}")
        for network in self.weights:
            if network not in MODELS:
                raise unknown_name("model", network, MODELS)

    def model(self, spec: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return the trained network that a name or an import path means, on a device, in evaluation mode.

        Raises as ``resolve_model``; CheckpointError for weights that are damaged or belong to another network.
        """
        from ..resolve import resolve_model

        if self.name != "imagenet" or spec not in MODELS:
            return resolve_model(spec, self.name, self.cache_dir, device).to(device)
        from ..storage.pretrained import load_pretrained

        return load_pretrained(spec, self.weights.get(spec)).to(device)

    def has_twin(self, spec: str) -> bool:
        """Return whether a network comes with its twin that memorised random labels."""
        return self.name in MEMORIZED and spec in MODELS

    def has_biased_twin(self, spec: str) -> bool:
        """Return whether a network comes with its twins that learned a stereotype, and not."""
        return self.name == "embedded" and spec in MODELS

    def memorized_model(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return the twin that memorised random labels."""
        from ..storage.store import load_checkpoint

        return load_checkpoint(name, "random", self.name, cache_dir=self.cache_dir, device=device).to(device)

    def batch(self, n: int, *, at_most: bool = False) -> Batch:
        """Return the ``n`` images that the networks look at; with ``at_most``, fewer where there are not so many.

        Digits are explained for the class that the model predicts, photographs for that of their ``labels.csv``.

        Raises ValueError where there are too few images.
        """
        from ...data.batch import Batch

        if self.name != "imagenet":
            from ...data import load_batch

            return Batch(load_batch("mnist", n).images)
        if self.data is None:
            raise ValueError("the preset imagenet looks at photographs of yours: name a folder, --saliency-data=DIR")
        from ...data.photographs import find_images, load_photographs

        return load_photographs(self.data, min(n, len(find_images(self.data))) if at_most else n)


def as_preset(preset: Preset | str) -> Preset:
    """Return the preset of a name, or the one given; ValueError for an unknown name."""
    return Preset(preset) if isinstance(preset, str) else preset
