"""SmoothGrad (the paper, section 3.2; Smilkov et al. 2017, arXiv:1706.03825)."""

from __future__ import annotations

import torch
from torch import nn

from ..data.batch import require_images
from ..foundation.inference import max_rows
from .protocol import plain_passes
from .scores import class_scores, explaining, in_chunks


@plain_passes
def smoothgrad(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    n_samples: int = 20,
    noise_level: float = 0.2,
    seed: int = 0,
) -> torch.Tensor:
    """Return the mean gradient of the class score over noisy copies of each image: raw, signed ``(N, C, H, W)``.

    The noise is normal with standard deviation ``noise_level`` x (max - min) of the image; the paper's values are
    sigma = 20 (per cent) and n = 20 (B.2). It depends on ``seed`` alone and is scaled to each image, so an image's map
    does not depend on the rest of its batch, and all models are explained with the same noise.

    Raises ValueError if ``n_samples`` is below 1 or ``noise_level`` is negative, TypeError or ValueError if images,
    targets or logits have another shape or type.
    """
    if n_samples < 1:
        raise ValueError(f"n_samples must be at least 1, not {n_samples!r}")
    if not noise_level >= 0:
        raise ValueError(f"noise_level must be 0 or more, not {noise_level!r}")
    require_images(images)
    samples_at_a_time = min(n_samples, max_rows(images))
    generator = torch.Generator("cpu").manual_seed(seed)
    with explaining(model):
        total = torch.zeros_like(images)
        for first in range(0, n_samples, samples_at_a_time):
            samples = min(samples_at_a_time, n_samples - first)
            noise = noise_level * standard_normal(samples, images, generator)
            done = 0
            for chunk, chunk_targets in in_chunks(images, targets, samples):
                noisy = chunk + noise * value_range(chunk)
                gradients = input_gradient(model, noisy.flatten(0, 1), chunk_targets.repeat(samples))
                total[done : done + len(chunk)] += gradients.view_as(noisy).sum(0)
                done += len(chunk)
        return total / n_samples


def standard_normal(samples: int, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return noise ``(samples, 1, C, H, W)`` of the images' size: the same numbers in one call as in several."""
    shape = images.shape[1:]
    noise = [torch.randn(shape, generator=generator, device="cpu", dtype=torch.float32) for _ in range(samples)]
    return torch.stack(noise)[:, None].to(images)


def value_range(images: torch.Tensor) -> torch.Tensor:
    """Return max - min of each image, ``(N, 1, 1, 1)``."""
    return images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True)


def input_gradient(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the gradient of each image's class score with respect to the image, in one pass over the batch."""
    images.requires_grad_()
    # The input of an in-place first layer must not be a leaf.
    scores = class_scores(model(images.clone()), targets)
    (gradients,) = torch.autograd.grad(scores.sum(), images)
    return gradients
