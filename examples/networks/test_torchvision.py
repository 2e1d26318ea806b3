"""A classifier of torchvision, and one of timm if it is installed, on images from a DataLoader."""

from __future__ import annotations

from typing import Any

import pytest
from digits import digits, trained
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits()


@pytest.fixture(scope="session", params=["torchvision", "timm"])
def saliency_model(request: Any) -> nn.Module:
    """Tells digits. Usually, weights are loaded: resnet18(weights="DEFAULT"), create_model(..., pretrained=True)."""
    library = pytest.importorskip(request.param)
    if request.param == "timm":
        return trained(library.create_model("resnet10t", num_classes=10), KNOWN, epochs=3)
    return trained(library.models.resnet18(num_classes=10), KNOWN, epochs=3)


@pytest.fixture
def saliency_batch() -> Batch:
    """The first thirty of a DataLoader; a data set of Hugging Face goes as well, with a transform for its pictures."""
    assert HELD_OUT.targets is not None
    loader = DataLoader(TensorDataset(HELD_OUT.images, HELD_OUT.targets), batch_size=16)
    return Batch.collect(loader, 30)
