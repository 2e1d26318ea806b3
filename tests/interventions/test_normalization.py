"""Running statistics of a randomised model: those of its images, and why they are estimated anew."""

from __future__ import annotations

import pytest
import torch
import torchvision
from support.images import noise
from support.networks import seeded, with_statistics
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions import cascade
from pytest_saliency_sanity.interventions.dead import relative_spread
from pytest_saliency_sanity.interventions.normalization import reestimate


def spread(model: nn.Module, images: torch.Tensor) -> float:
    """Return how much of the logits depends on the image."""
    return relative_spread(logits_of(model, images))


def resnet() -> nn.Module:
    model: nn.Module = seeded(lambda: torchvision.models.resnet18(weights=None))
    return with_statistics(model, 16, 3, 32, 32)


@pytest.mark.parametrize(("order", "step"), [("top_down", 1), ("bottom_up", 4), ("independent", 4)])
def test_a_resnets_logits_depend_on_the_image_at_every_stage(order: str, step: int) -> None:
    images = noise(8, 3, 32, 32)
    randomizer = CascadingRandomizer(resnet(), order=order, images=images)
    for stage in randomizer.stages(randomizer.names()[::step]):
        assert stage.dead is None, stage.name
        assert spread(stage.model, images) > 0.05, stage.name


def test_an_efficientnets_logits_depend_on_the_image_at_the_last_stages() -> None:
    images = noise(8, 3, 64, 64)
    model = with_statistics(seeded(lambda: torchvision.models.efficientnet_b0(weights=None)), 16, 3, 64, 64)
    randomizer = CascadingRandomizer(model, images=images)
    for stage in randomizer.stages(randomizer.names()[-3:]):
        assert stage.dead is None, stage.name
        assert spread(stage.model, images) > 0.05, stage.name


def test_without_new_running_statistics_a_resnet_forgets_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # So the two tests above can fail: the statistics of the trained weights let the signal fade.
    monkeypatch.setattr(cascade, "reestimate", lambda *_: None)
    images = noise(8, 3, 32, 32)
    randomizer = CascadingRandomizer(resnet(), images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert spread(stage.model, images) < 0.005


def test_running_statistics_are_those_of_the_images(small: nn.Module) -> None:
    images = noise(8, 3, 16, 16)
    (stage,) = CascadingRandomizer(small, images=images).stages(["0"])
    with torch.no_grad():
        seen = stage.model.get_submodule("0")(images)
    torch.testing.assert_close(stage.model.get_buffer("1.running_mean"), seen.mean((0, 2, 3)))
    torch.testing.assert_close(stage.model.get_buffer("1.running_var"), seen.var((0, 2, 3)))


def test_running_statistics_before_the_randomised_layers_are_the_trained_ones(small: nn.Module) -> None:
    for name in ("9", "3"):
        (stage,) = CascadingRandomizer(small, images=noise(8, 3, 16, 16)).stages([name])
        assert torch.equal(stage.model.get_buffer("1.running_mean"), small.get_buffer("1.running_mean"))
        assert torch.equal(stage.model.get_buffer("1.running_var"), small.get_buffer("1.running_var"))


def test_running_statistics_of_a_normalisation_without_parameters_are_estimated_too() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, affine=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = with_statistics(nn.Sequential(*layers, nn.Linear(8, 5)), 16, 3, 16, 16)
    images = noise(8, 3, 16, 16)
    (stage,) = CascadingRandomizer(model, images=images).stages(["0"])
    with torch.no_grad():
        torch.testing.assert_close(
            stage.model.get_buffer("1.running_mean"), stage.model.get_submodule("0")(images).mean((0, 2, 3))
        )


def test_estimating_on_many_batches_averages_them() -> None:
    images = noise(90, 3, 64, 64)  # more than go through a network at a time
    model = nn.Sequential(nn.BatchNorm2d(3))
    reestimate(model, ["0"], images)
    expected = torch.stack([chunk.mean((0, 2, 3)) for chunk in images.split(85)]).mean(0)
    torch.testing.assert_close(model.get_buffer("0.running_mean"), expected)


def test_estimating_puts_momentum_and_mode_back_when_the_model_raises(small: nn.Module) -> None:
    with pytest.raises(RuntimeError):
        reestimate(small, ["0", "1"], noise(8, 5, 16, 16))
    assert small.get_submodule("1").momentum == 0.1
    assert not small.get_submodule("1").training
