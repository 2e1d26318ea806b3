"""The networks of the preset ``embedded``."""

from __future__ import annotations

import torch
from torch import nn

from ....data.batch import Batch
from ....data.mnist import first_held_out
from ....data.scenes import MOST_SCENES, first_scenes, load_scenes
from ....foundation.errors import unknown_name
from ...storage.shipped import ShippedNetworks
from ...training.digits import RANDOM, TRUE
from ..registry import BIAS_SCENARIO, MEMORIZED_MODEL, SCENES
from . import PRESET
from .bias import shipped_scenario
from .digits import shipped_digits
from .scenes import shipped_scenes

LEARNED_SCENES = PRESET.only[SCENES]


class EmbeddedNetworks:
    """Networks that come with the package, and images like those they learned, explained for the predicted class."""

    name: str = PRESET.name

    def network(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return the network that learned true labels."""
        return family_of(name).load(name, TRUE).to(device)

    def batch(self, n: int, network: str | None = None, *, at_most: bool = False) -> Batch:
        """Return the first ``n`` held-out digits, or scenes of them for a network that learned scenes."""
        first = first_scenes if network in LEARNED_SCENES else first_held_out
        return first(n, at_most=at_most)

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return the network that memorised random labels, a biased and a balanced network, or scenes."""
        if network not in PRESET.networks:
            return None
        if need == MEMORIZED_MODEL:
            return family_of(network).load(network, RANDOM).to(device)
        if need == SCENES and network in LEARNED_SCENES:
            return load_scenes(min(max(images, 1), MOST_SCENES)).to(device)
        return shipped_scenario(network, images, device) if need == BIAS_SCENARIO else None


def family_of(network: str) -> ShippedNetworks:
    """Return the shipped networks that one belongs to; ValueError for a name that does not exist."""
    if network not in PRESET.networks:
        raise unknown_name("model", network, PRESET.networks)
    return shipped_scenes() if network in LEARNED_SCENES else shipped_digits()
