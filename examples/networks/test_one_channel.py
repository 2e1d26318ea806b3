"""A network of images with one channel, 1 x 28 x 28."""

from __future__ import annotations

import pytest
from digits import convolutions, digits, trained
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits(size=28, channels=1)


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Tells digits."""
    return trained(convolutions(channels=1), KNOWN)


@pytest.fixture
def saliency_batch() -> Batch:
    """Its own images."""
    return HELD_OUT
