"""The networks and images of the preset ``imagenet``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from ....data.batch import Batch
from ....data.photographs import find_images, load_photographs
from ....foundation.errors import unknown_name
from ...storage.pretrained import load_pretrained
from . import PRESET


class ImageNetNetworks:
    """torchvision's networks, and the photographs of a folder, to be explained for the classes of its ``labels.csv``.

    ``data``: the folder, without which there are no images. ``weights``: files by name of the network, in place of
    torchvision's own weights.

    Raises ValueError for weights of an unknown network.
    """

    name: str = PRESET.name

    def __init__(self, data: Path | str | None = None, weights: Mapping[str, Path] | None = None) -> None:
        self.data: Path | None = None if data is None else Path(data)
        self.weights: dict[str, Path] = dict(weights or {})
        for network in self.weights:
            _require_known(network)
        self._decoded: Batch | None = None

    def network(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return a network with its ImageNet weights. Raises as ``load_pretrained``; ValueError for an unknown name."""
        _require_known(name)
        return load_pretrained(name, self.weights.get(name)).to(device)

    def batch(self, n: int, network: str | None = None, *, at_most: bool = False) -> Batch:
        """Return the first ``n`` photographs by name. They are read once. Raises as ``load_photographs``."""
        if self.data is None:
            raise ValueError("the preset imagenet looks at photographs of yours: name a folder, --saliency-data=DIR")
        if at_most:
            n = min(n, len(find_images(self.data)))
        if self._decoded is None or not 1 <= n <= len(self._decoded):
            self._decoded = load_photographs(self.data, n)
        return self._decoded.first(n)

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return None: nothing is supplied beyond networks and images."""
        return None


def _require_known(network: str) -> None:
    if network not in PRESET.networks:
        raise unknown_name("model", network, PRESET.networks)
