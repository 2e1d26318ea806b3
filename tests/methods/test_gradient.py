"""The gradient: captum's saliency, and SmoothGrad of one sample without noise."""

from __future__ import annotations

import torch
from captum.attr import Saliency
from support.maps import assert_same
from torch import nn

from pytest_saliency_sanity import gradient, smoothgrad

TARGETS = torch.tensor([0, 1, 2, 7])


def test_the_gradient_is_captums_saliency(model: nn.Module, images: torch.Tensor) -> None:
    expected = Saliency(model).attribute(images.clone().requires_grad_(), target=TARGETS, abs=False)
    assert_same(gradient(model, images, TARGETS), expected.detach())


def test_the_gradient_is_smoothgrad_of_one_sample_without_noise(model: nn.Module, images: torch.Tensor) -> None:
    assert_same(gradient(model, images, TARGETS), smoothgrad(model, images, TARGETS, n_samples=1, noise_level=0))
