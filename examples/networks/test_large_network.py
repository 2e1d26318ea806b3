"""A network that is large for a laptop: a GPU if there is one, bounded memory, and no more images than are needed.

Run it with --saliency-memory=2G; --saliency-device=cuda takes the GPU, and is the default if there is one. A question
stops as soon as its answer is sure, so a method of one pass takes ten images for most.
"""

from __future__ import annotations

import pytest
import torch
from digits import digits
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

models = pytest.importorskip("torchvision.models")


@pytest.fixture(scope="session")
def saliency_model(saliency_device: torch.device) -> nn.Module:
    """VGG-16 with 138 million parameters, of random weights; load yours."""
    torch.manual_seed(0)
    return models.vgg16(weights=None).eval().to(saliency_device)  # type: ignore[no-any-return]


@pytest.fixture
def saliency_batch() -> Batch:
    """Twenty images of 224 x 224."""
    _, held_out = digits(size=224)
    return Batch(held_out.images[:20])
