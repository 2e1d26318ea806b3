"""The network and the images that adapters are shown."""

from __future__ import annotations

import pytest
import torch
from support.images import noise


@pytest.fixture
def images() -> torch.Tensor:
    return noise(4, 3, 20, 20)
