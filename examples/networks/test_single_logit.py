"""A binary network with a single logit, (N, 1): Logits makes two classes of it, the other one its negative."""

from __future__ import annotations

import pytest
from digits import convolutions, digits, trained
from torch import nn

from pytest_saliency_sanity import Batch, Logits
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

KNOWN, HELD_OUT = digits()


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Tells digits below five from the others."""
    assert KNOWN.targets is not None
    return trained(Logits(convolutions(classes=1)), Batch(KNOWN.images, (KNOWN.targets >= 5).long()))


@pytest.fixture
def saliency_batch() -> Batch:
    """Without classes, those are explained that the network predicts."""
    return Batch(HELD_OUT.images)
