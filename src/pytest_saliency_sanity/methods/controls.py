"""Controls: methods that ignore the model, or all of it but signs, so that their verdict is known.

They show that the checks can fail (Adebayo et al. 2018, section 4: the edge detector).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from .gradient import gradient


def sobel(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the edges of each image: the magnitude of its Sobel gradient, ``(N, H, W)``."""
    grey = images.detach().mean(1, keepdim=True)
    horizontal = grey.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    kernels = torch.stack([horizontal, horizontal.T])[:, None]
    return F.conv2d(F.pad(grey, (1, 1, 1, 1), mode="replicate"), kernels).square().sum(1).sqrt()


def borrowed_signs(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the edges of each image with the signs of the gradient, ``(N, H, W)``.

    Its signs change with the model, its picture does not: so it passes where signs are judged.
    """
    return sobel(model, images, targets) * gradient(model, images, targets).sum(1).sign()


def image_itself(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the images themselves, ``(N, C, H, W)``. The name of this method is ``input``."""
    return images.detach().clone()


def uniform_noise(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return noise of the global random stream, ``(N, H, W)`` in [0, 1): different maps at every call."""
    count, _, height, width = images.shape
    return torch.rand(count, height, width).to(images.device)
