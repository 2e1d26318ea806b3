"""A segmentation network: the class that it sees in the middle of the image."""

from __future__ import annotations

import pytest
import torch
from digits import digits, trained
from torch import nn

from pytest_saliency_sanity import Batch, Logits, OverMask
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits()
# The class is read where the digit is, on average; AtPixel(8, 8) would read it at one pixel of the output.
MIDDLE = torch.zeros(16, 16, dtype=torch.bool)
MIDDLE[4:12, 4:12] = True


class Dense(nn.Module):
    """Returns a dict like torchvision's, with the logits ``(N, classes, 16, 16)`` of images ``(N, 3, 64, 64)``."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            *(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(32, 32, 5, padding=4, dilation=2), nn.ReLU()),
            *(nn.Conv2d(32, 32, 5, padding=4, dilation=2), nn.ReLU()),
            nn.Conv2d(32, 10, 1),
        )

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the dense logits."""
        return {"out": self.layers(images)}


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Classifies the middle of the image."""
    return trained(Logits(Dense(), "out", OverMask(MIDDLE)), KNOWN)


@pytest.fixture
def saliency_batch() -> Batch:
    """Images that it was not trained on."""
    return HELD_OUT
