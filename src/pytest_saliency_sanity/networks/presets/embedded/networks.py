"""The networks of the preset ``embedded``."""

from __future__ import annotations

import torch
from torch import nn

from ....data.batch import Batch
from ....data.mnist import first_held_out
from ...training.digits import RANDOM, TRUE
from ..registry import BIAS_SCENARIO, MEMORIZED_MODEL
from . import PRESET
from .bias import shipped_scenario
from .digits import shipped_digits


class EmbeddedNetworks:
    """Networks that come with the package, and held-out digits, to be explained for the class that is predicted."""

    name = PRESET.name

    def network(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return the network that learned true labels."""
        return shipped_digits().load(name, TRUE).to(device)

    def batch(self, n: int, *, at_most: bool = False) -> Batch:
        """Return the first ``n`` held-out digits."""
        return first_held_out(n, at_most=at_most)

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return the network that memorised random labels, or the scenario with a biased and a balanced network."""
        if network not in PRESET.networks:
            return None
        if need == MEMORIZED_MODEL:
            return shipped_digits().load(network, RANDOM).to(device)
        return shipped_scenario(network, images, device) if need == BIAS_SCENARIO else None
