"""Dead networks: nothing of the image reaches their logits, and no gradient reaches the image."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer, gradient, load_checkpoint
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions.dead import relative_spread


@pytest.mark.parametrize(
    ("std", "cause"), [(1e-30, "do not depend on the image"), (1e30, "not finite"), (float("inf"), "not finite")]
)
def test_a_dead_network_is_reported(alexnet: nn.Module, images: torch.Tensor, std: float, cause: str) -> None:
    randomizer = CascadingRandomizer(alexnet, std=std, images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert stage.dead is not None
    assert cause in stage.dead


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
@pytest.mark.parametrize("order", ["top_down", "independent"])
def test_no_stage_of_the_papers_law_is_dead_on_the_shipped_networks(
    network: str, order: str, images: torch.Tensor
) -> None:
    randomizer = CascadingRandomizer(load_checkpoint(network), order=order, images=images)
    assert {stage.name: stage.dead for stage in randomizer} == dict.fromkeys(randomizer.names())


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_a_stage_is_dead_exactly_where_no_gradient_reaches_the_image(network: str, images: torch.Tensor) -> None:
    # Bottom-up on AlexNet some are: the trained biases of its last convolution are all negative, and the weak signal of
    # random layers before it does not lift one of them above zero.
    randomizer = CascadingRandomizer(load_checkpoint(network), order="bottom_up", images=images)
    targets = torch.zeros(len(images), dtype=torch.long)
    dead = []
    for stage in randomizer:
        reaches = bool(gradient(stage.model, images, targets).any())
        assert (stage.dead is None) == reaches, stage.name
        dead += [] if reaches else [stage.name]
    assert dead == (["features.3", "features.6", "features.8"] if network == "alexnet" else [])


def test_vgg11_at_the_last_stage_is_alive_though_float32_can_hardly_tell(images: torch.Tensor) -> None:
    randomizer = CascadingRandomizer(load_checkpoint("vgg11"), images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert stage.dead is None
    assert relative_spread(logits_of(stage.model, images)) < 100 * torch.finfo(torch.float32).eps


def test_a_network_that_ignores_its_input_is_dead_from_the_first_stage() -> None:
    class Ignoring(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Linear(4, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.logits(torch.ones(len(images), 4, dtype=self.logits.weight.dtype))
            return logits

    (stage,) = CascadingRandomizer(Ignoring(), images=noise(4, 3, 8, 8))
    assert stage.dead == "its logits do not depend on the image"
