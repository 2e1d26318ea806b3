"""The networks of the preset ``paper``: at full width, trained on first use, kept in the user's cache folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ....data.batch import Batch
from ....data.mnist import first_held_out
from ....foundation.errors import unknown_name
from ...storage.cached import CachedNetworks, train_entry
from ...storage.collection import Choice
from ...storage.entry import cache_folder
from ...training.digits import RANDOM, TRUE
from ..registry import MEMORIZED_MODEL
from . import PRESET, recipes


def cached_networks(folder: Path | str | None = None) -> CachedNetworks:
    """Return the networks in a cache folder, by default that of ``$SALIENCY_SANITY_CACHE_DIR`` or the user's."""
    return CachedNetworks(recipes.FAMILY, cache_folder(folder))


class PaperNetworks:
    """The paper's networks, and held-out digits, to be explained for the class that is predicted.

    ``cache_dir``: where the networks are kept, by default as ``cached_networks``.
    """

    name: str = PRESET.name

    def __init__(self, cache_dir: Path | str | None = None) -> None:
        self.cache_dir = cache_dir

    def network(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return the network that learned true labels, trained on the device if it is not in the cache yet."""
        return self._trained(name, TRUE, device)

    def batch(self, n: int, network: str | None = None, *, at_most: bool = False) -> Batch:
        """Return the first ``n`` held-out digits."""
        return first_held_out(n, at_most=at_most)

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return the network that memorised random labels, trained on the device if it is not in the cache yet."""
        if need != MEMORIZED_MODEL or network not in PRESET.networks:
            return None
        return self._trained(network, RANDOM, device)

    def _trained(self, name: str, labels: str, device: torch.device | str) -> nn.Module:
        if name not in PRESET.networks:
            raise unknown_name("model", name, PRESET.networks)
        (entry,) = cached_networks(self.cache_dir).entries(Choice(name, labels))
        train_entry(entry, device)
        network, _ = entry.read()
        return network.to(device)
