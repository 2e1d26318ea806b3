"""Models that compute the same function with other weights: that they do, and that nothing of the user's is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traces import left_as_found

from pytest_saliency_sanity import gradcam, gradient, load_batch, load_checkpoint
from pytest_saliency_sanity.models.inference import logits_of
from pytest_saliency_sanity.randomization.symmetries import KINDS, Symmetry

kinds = pytest.mark.parametrize("kind", KINDS)
# Of the logits' spread. Measured in float32: 1e-5 and less; a wrong pixel of padding is 1e-2.
TOLERANCE = 1e-4


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.first = nn.Conv2d(6, 5, 3, padding=1)
        self.norm = nn.BatchNorm2d(5)
        self.second = nn.Conv2d(5, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.stem(images))
        values = F.relu(self.second(F.relu(self.norm(self.first(values)))) + values)
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


class Twice(nn.Module):
    """A layer that is used twice: what changes its outputs changes what it takes, too."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.same = nn.Conv2d(6, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.same(F.relu(self.same(F.relu(self.stem(images))))))
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


class ChannelsLast(nn.Module):
    """Its fully connected layer takes position by position: the channels do not lie together there."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.head = nn.Linear(6 * 100, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(F.relu(self.conv(images)).permute(0, 2, 3, 1).flatten(1))
        return logits


def plain() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(6 * 25, 8), nn.ReLU(inplace=True), nn.Linear(8, 4)),
    )


def normalised() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU()),
        *(nn.Conv2d(6, 5, 3, stride=2, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16, 4)),
    )


def depthwise() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 1), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=6, padding=1), nn.ReLU(), nn.Conv2d(6, 5, 1)),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4)),
    )


def connected() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(300, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 4))


def smooth() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.GELU(), nn.Conv2d(6, 5, 3), nn.GELU(), nn.Flatten(), nn.Linear(5 * 36, 4))
    )


def grouped() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6), nn.ReLU(), nn.Conv2d(6, 6, 3, groups=2), nn.ReLU()),
        *(nn.Conv2d(6, 5, 1), nn.Flatten(), nn.Linear(5 * 36, 4)),
    )


def normalised_images() -> nn.Module:
    return nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, 4))


def logistic() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(300, 4))


def parametrised() -> nn.Module:
    model = plain()
    torch.nn.utils.parametrizations.weight_norm(model[0])
    return model


def small_transformer() -> nn.Module:
    from torchvision.models import VisionTransformer

    model = VisionTransformer(10, 5, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=12, num_classes=4)
    nn.init.normal_(model.heads.head.weight)  # torchvision starts it at 0, and then all logits are alike
    return model


def small_resnet() -> nn.Module:
    from torchvision.models import resnet18

    return resnet18(num_classes=4)


def made(make: Callable[[], nn.Module]) -> nn.Module:
    """Return a network of random weights, with statistics and scales that are not those of a new one."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = make()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
                module.weight.uniform_(0.5, 2)
                module.bias.normal_()
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return model.eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


IMAGES = noise(12, 3, 10, 10)


def assert_equivalent(model: nn.Module, symmetry: Symmetry, images: torch.Tensor) -> None:
    stage = symmetry.only()
    expected = logits_of(model, images)
    off = (logits_of(stage.model, images + stage.shift) - expected).abs().max()
    assert off <= TOLERANCE * (expected.max() - expected.min())


def differing(model: nn.Module, other: nn.Module) -> set[str]:
    """Return the parameters that are not the same in both."""
    own = dict(model.named_parameters())
    return {name for name, value in other.named_parameters() if name not in own or not torch.equal(own[name], value)}


# What can be changed in each network: by hand, from its architecture.
CHANGED = [
    (plain, "permutation", ("0", "4")),
    (plain, "rescaling", ("0", "4")),
    (plain, "input_shift", ("0",)),
    (normalised, "permutation", ("0", "3")),
    (normalised, "rescaling", ("0", "3")),
    (normalised, "input_shift", ("0",)),
    (depthwise, "permutation", ("0", "4")),
    (depthwise, "rescaling", ("0", "4")),
    (depthwise, "input_shift", ("0",)),
    (Residual, "permutation", ("first",)),  # the stem's output goes two ways, the second's is added to it
    (Residual, "rescaling", ("first",)),
    (Residual, "input_shift", ("stem",)),
    (connected, "permutation", ("1", "3")),
    (connected, "rescaling", ("1", "3")),
    (connected, "input_shift", ("1",)),
    (smooth, "permutation", ("0", "2")),
    (smooth, "rescaling", ("2",)),  # overwritten below: only where what comes behind is homogeneous
    (smooth, "input_shift", ("0",)),
    (grouped, "permutation", ("5",)),
    (grouped, "rescaling", ("5",)),
    (Twice, "permutation", ()),
    (Twice, "rescaling", ()),
    (ChannelsLast, "permutation", ()),
    (ChannelsLast, "rescaling", ()),
    (logistic, "permutation", ()),
    (logistic, "rescaling", ()),
    (logistic, "input_shift", ("1",)),
    (normalised_images, "permutation", ("1",)),
    (normalised_images, "input_shift", ()),
]
