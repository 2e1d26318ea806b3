"""Methods written literally from their papers, for calibration and for known answers, batched so that they are fast.

Each is a saliency method, ``benchmarks/methods.py``'s name in a spec is ``methods:occlusion``. None of them is part of
the package: they stand for what honest users bring.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity.methods.gradient import gradient

BLACK = -0.4242  # a black pixel, normalised as the digits are
ROWS = 512  # images of one forward pass


def gradient_magnitude(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the gradient's magnitude, its largest over channels, ``(N, H, W)`` (Simonyan et al. 2013, section 3.1)."""
    return gradient(model, images, targets).abs().amax(1)


def occlusion(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, side: int = 8, value: float = BLACK
) -> torch.Tensor:
    """Return by how much the score drops if a window is filled, ``(N, h, w)`` (Zeiler and Fergus 2014, section 4.2).

    Windows of ``side`` x ``side`` pixels, side by side: a cell of the map for each. The score is the logit.
    """
    height, width = images.shape[2] // side, images.shape[3] // side
    windows = torch.eye(height * width, device=images.device).view(-1, 1, height, width).repeat_interleave(side, 2)
    windows = windows.repeat_interleave(side, 3)
    whole = scores(model, images, targets)
    drops = []
    for image, target, score in zip(images, targets, whole, strict=True):
        filled = image * (1 - windows) + value * windows
        drops.append(score - scores(model, filled, target.expand(len(filled))))
    return torch.stack(drops).view(-1, height, width)


def rise(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    n_masks: int = 400,
    cells: int = 8,
    share: float = 0.5,
    seed: int = 0,
) -> torch.Tensor:
    """Return the covariance of the score with whether a pixel is shown, ``(N, H, W)`` (Petsiuk et al. 2018).

    Masks are random grids, enlarged bilinearly and shifted (section 3.2); what they hide is 0. Means are taken off,
    which leaves out the constant that says how high the score is on the whole; the same masks are used for all images.
    """
    shown = masks_of_rise(n_masks, cells, share, images, seed)
    centred = shown - shown.mean(0)
    maps = []
    for image, target in zip(images, targets, strict=True):
        score = scores(model, image * shown, target.expand(n_masks))
        maps.append(((score - score.mean()).view(-1, 1, 1, 1) * centred).mean((0, 1)))
    return torch.stack(maps)


def masks_of_rise(n_masks: int, cells: int, share: float, images: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the masks ``(n_masks, 1, H, W)``: grids of 0 and 1, enlarged by one cell more than fits, and shifted."""
    generator = torch.Generator("cpu").manual_seed(seed)
    height, width = images.shape[2:]
    cell = (-(-height // cells), -(-width // cells))
    grids = (torch.rand(n_masks, 1, cells, cells, generator=generator) < share).float()
    large = F.interpolate(grids, ((cells + 1) * cell[0], (cells + 1) * cell[1]), mode="bilinear", align_corners=False)
    down = torch.randint(cell[0], (n_masks,), generator=generator).tolist()
    right = torch.randint(cell[1], (n_masks,), generator=generator).tolist()
    shifted = [mask[:, y : y + height, x : x + width] for mask, y, x in zip(large, down, right, strict=True)]
    return torch.stack(shifted).to(images)


def vargrad(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    n_samples: int = 20,
    noise_level: float = 0.2,
    seed: int = 0,
) -> torch.Tensor:
    """Return the variance of the gradient over noisy copies, ``(N, H, W)`` (Adebayo et al. 2018, appendix)."""
    generator = torch.Generator("cpu").manual_seed(seed)
    noise = torch.randn(n_samples, *images.shape[1:], generator=generator).to(images)
    maps = []
    for image, target in zip(images, targets, strict=True):
        noisy = image + noise_level * (image.max() - image.min()) * noise
        maps.append(gradient(model, noisy, target.repeat(n_samples)).var(0).sum(0))
    return torch.stack(maps)


def expected_gradients(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n_samples: int = 20, seed: int = 0
) -> torch.Tensor:
    """Return expected gradients, ``(N, C, H, W)`` (Erion et al. 2021, equation 3).

    Baselines are images of noise with the mean and the deviation of digits, since an image alone must have the same map
    as in its batch, so the other images can't serve.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    baselines = torch.randn(n_samples, *images.shape[1:], generator=generator).to(images)
    steps = torch.rand(n_samples, 1, 1, 1, generator=generator).to(images)
    maps = []
    for image, target in zip(images, targets, strict=True):
        difference = image - baselines
        maps.append((difference * gradient(model, baselines + steps * difference, target.repeat(n_samples))).mean(0))
    return torch.stack(maps)


def scores(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the logits of the targets, ``(N,)``."""
    with torch.no_grad():
        return torch.cat(
            [
                model(some).gather(1, of[:, None])[:, 0]
                for some, of in zip(images.split(ROWS), targets.split(ROWS), strict=True)
            ]
        )
