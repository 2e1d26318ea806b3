"""What an open preset can be asked for."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from ...data.batch import Batch


class PresetNetworks(Protocol):
    """The trained networks and the images of a preset."""

    @property
    def name(self) -> str:
        """The name of the preset."""
        ...

    def network(self, name: str, device: torch.device | str = "cpu") -> nn.Module:
        """Return a trained network in evaluation mode on the device, one of its own for every caller.

        Raises ValueError for an unknown name, CheckpointError for weights that are damaged or belong to another
        network.
        """
        ...

    def batch(self, n: int, network: str | None = None, *, at_most: bool = False) -> Batch:
        """Return the first ``n`` images, in tensors of their own; with ``at_most``, fewer if there are not so many.

        ``network``: the name of the one that looks at them, since networks may have learned different images. Any that
        is not the preset's own, or None, gets its usual images.

        Raises ValueError if there are too few.
        """
        ...

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return what a check needs beyond the network and the batch; None if the preset has none for that network.

        ``images``: how many images it should hold at most, if it holds any.
        """
        ...
