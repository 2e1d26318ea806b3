"""The network and the images that adapters are shown."""

from __future__ import annotations

import pytest
import torch
from support.libraries import IMAGES


@pytest.fixture
def images() -> torch.Tensor:
    return IMAGES.clone()
