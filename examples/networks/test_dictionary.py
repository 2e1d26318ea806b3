"""A network that returns a dict, as many of Hugging Face and torchvision do: Logits picks the logits."""

from __future__ import annotations

import pytest
import torch
from digits import convolutions, digits, trained
from torch import nn

from pytest_saliency_sanity import Batch, Logits
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits()


class Detailed(nn.Module):
    """Returns its features besides its logits."""

    def __init__(self) -> None:
        super().__init__()
        *features, classifier = convolutions()
        self.features, self.classifier = nn.Sequential(*features), classifier

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return both; of a tuple, an index would be picked."""
        features = self.features(images)
        return {"features": features, "logits": self.classifier(features)}


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Tells digits."""
    return trained(Logits(Detailed(), "logits"), KNOWN)


@pytest.fixture
def saliency_batch() -> Batch:
    """Images that it was not trained on."""
    return HELD_OUT
