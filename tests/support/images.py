"""Images to explain: noise of any size, and real digits."""

from __future__ import annotations

import torch

from pytest_saliency_sanity import load_batch


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    """Return normal noise, the same every time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def digits(n: int) -> torch.Tensor:
    """Return held-out digits ``(n, 3, 64, 64)``, as the shipped networks take them."""
    return load_batch("mnist", n).images
