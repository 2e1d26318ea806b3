"""The shipped networks with other held-out images in first place, for each seed others."""

from __future__ import annotations

import torch

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.data.bias_scenario import BiasScenario
from pytest_saliency_sanity.data.scenes import Scenes
from pytest_saliency_sanity.networks.presets.embedded.networks import EmbeddedNetworks

ALL = 1000


class OtherImages(EmbeddedNetworks):
    """The preset ``embedded``, its images, scenes and counter-stereotypes in an order that a seed draws."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def batch(self, n: int, network: str | None = None, *, at_most: bool = False) -> Batch:
        """Return ``n`` of the held-out images, or all that there are."""
        every = super().batch(ALL, network, at_most=True)
        return Batch(every.images[self.order(len(every))[:n]])

    def supply(self, need: str, network: str, images: int, device: torch.device | str = "cpu") -> object | None:
        """Return what a check needs, its images in another order."""
        found = super().supply(need, network, ALL, device)
        if isinstance(found, BiasScenario):
            rows = self.order(len(found.batch))
            models = found.biased_model, found.balanced_model
            return BiasScenario(*models, Batch(found.batch.images[rows]), found.nuisance_masks[rows])
        if isinstance(found, Scenes):
            rows = self.order(len(found))[:images]
            assert found.batch.targets is not None
            batch = Batch(found.batch.images[rows], found.batch.targets[rows])
            return Scenes(batch, found.objects[rows], found.clutter[rows])
        return found

    def order(self, count: int) -> torch.Tensor:
        """Return the numbers of so many images in an order of the seed."""
        return torch.randperm(count, generator=torch.Generator("cpu").manual_seed(self.seed))
