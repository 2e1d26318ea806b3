"""The plain gradient (the paper, section 3.2; Simonyan et al. 2014, arXiv:1312.6034)."""

from __future__ import annotations

import torch
from torch import nn

from .protocol import plain_passes
from .smoothgrad import smoothgrad


@plain_passes
def gradient(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the gradient of the class score with respect to each image: raw, signed ``(N, C, H, W)``.

    SmoothGrad at n = 1 and sigma = 0, as in the paper. Raises the same errors as ``smoothgrad``.
    """
    return smoothgrad(model, images, targets, n_samples=1, noise_level=0.0)
