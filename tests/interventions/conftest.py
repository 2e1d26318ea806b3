"""Networks and images that the tests of interventions share."""

from __future__ import annotations

import pytest
import torch
from support.images import digits
from support.networks import seeded, with_statistics
from torch import nn

from pytest_saliency_sanity import load_checkpoint


@pytest.fixture
def images() -> torch.Tensor:
    return digits(8)


@pytest.fixture
def alexnet() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def small() -> nn.Sequential:
    """A network with everything that a stage may touch: convolutions, normalisation with statistics, linear layers."""
    return with_statistics(
        seeded(
            lambda: nn.Sequential(
                *(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Conv2d(8, 8, 3), nn.ReLU()),
                *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 16), nn.LayerNorm(16), nn.Linear(16, 10)),
            )
        ),
        *(16, 3, 16, 16),
    )
