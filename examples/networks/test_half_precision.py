"""A network in half precision: images are given in float32, and are passed to it in its own."""

from __future__ import annotations

import pytest
import torch
from digits import convolutions, digits, trained
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits()


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Tells digits. On a GPU, torch.float16 does as well."""
    return trained(convolutions(), KNOWN).to(torch.bfloat16)


@pytest.fixture
def saliency_batch() -> Batch:
    """Images in float32."""
    return HELD_OUT
