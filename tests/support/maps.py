"""Comparing maps, and tables of SRCs made up for a verdict."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn


class Method(Protocol):
    """A saliency method, which may take keywords of its own."""

    def __call__(
        self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, /, **keywords: float
    ) -> torch.Tensor:
        """Return the maps."""
        ...


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Assert that maps are the same up to float32's rounding, which grows with the largest values of the sums."""
    expected = expected.detach()
    assert expected.abs().max() > 0, "nothing to compare"
    torch.testing.assert_close(actual, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


def around(mean: float, spread: float, images: int = 20, draws: int = 3) -> np.ndarray:
    """Return SRCs ``(draws, images)`` with this mean, whose images differ by up to ``spread`` from it."""
    return np.tile(np.linspace(mean - spread, mean + spread, images), (draws, 1))
