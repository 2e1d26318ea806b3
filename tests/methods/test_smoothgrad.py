"""SmoothGrad: against a literal version of the paper's formula, and against captum; its noise."""

from __future__ import annotations

import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from support.images import noise
from support.maps import assert_same
from torch import nn

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import smoothgrad

TARGETS = torch.tensor([0, 1, 2, 7])


def literal_smoothgrad(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n: int, sigma: float, seed: int
) -> torch.Tensor:
    """Section 3.2, image by image and sample by sample: the mean over n of dS_c/dx at x + N(0, sigma^2)."""
    noise = torch.randn(n, 1, *images.shape[1:], generator=torch.Generator().manual_seed(seed))
    maps = []
    for image, target in zip(images, targets, strict=True):
        total = torch.zeros_like(image)
        for sample in range(n):
            noisy = (image + noise[sample, 0] * sigma * (image.max() - image.min())).requires_grad_()
            score = model(noisy[None])[0, target]
            total += torch.autograd.grad(score, noisy)[0]
        maps.append(total / n)
    return torch.stack(maps)


def test_smoothgrad_is_the_papers_formula(model: nn.Module, images: torch.Tensor) -> None:
    expected = literal_smoothgrad(model, images, TARGETS, n=5, sigma=0.15, seed=3)
    assert_same(smoothgrad(model, images, TARGETS, n_samples=5, noise_level=0.15, seed=3), expected)


def test_smoothgrad_has_the_papers_parameters_by_default(model: nn.Module, images: torch.Tensor) -> None:
    expected = literal_smoothgrad(model, images, TARGETS, n=20, sigma=0.2, seed=0)
    assert_same(smoothgrad(model, images, TARGETS), expected)


def test_with_the_same_noise_smoothgrad_is_captums(model: nn.Module, images: torch.Tensor) -> None:
    # captum draws from the global stream, and its sigma is a number of grey levels for the whole batch: one image each.
    for image, target in zip(images.split(1), TARGETS, strict=True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            expected = NoiseTunnel(Saliency(model)).attribute(
                image.clone().requires_grad_(),
                nt_samples=20,
                stdevs=0.15 * float(image.max() - image.min()),
                target=target,
                abs=False,
            )
        assert_same(smoothgrad(model, image, target[None], noise_level=0.15, seed=3), expected.detach())


def test_the_seed_decides_the_noise(model: nn.Module, images: torch.Tensor) -> None:
    first, again, other = (smoothgrad(model, images, TARGETS, n_samples=3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_the_size_of_the_batches_does_not_matter_for_images_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    # torch draws normal numbers sixteen at a time: two draws of 147 values are not one draw of 294.
    images, targets = noise(4, 3, 7, 7), TARGETS % 3
    model = nn.Sequential(nn.Flatten(), nn.Linear(147, 3), nn.Tanh(), nn.Linear(3, 3))
    at_once = smoothgrad(model, images, targets)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * images[0].numel())
    assert_same(smoothgrad(model, images, targets), at_once)


def test_the_noise_does_not_depend_on_the_default_type(model: nn.Module, images: torch.Tensor) -> None:
    expected = smoothgrad(model, images, TARGETS)
    torch.set_default_dtype(torch.float64)
    try:
        actual = smoothgrad(model, images, TARGETS)
    finally:
        torch.set_default_dtype(torch.float32)
    assert_same(actual, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1, not 0"),
        ({"noise_level": -0.1}, "noise_level must be 0 or more, not -0.1"),
        ({"noise_level": float("nan")}, "noise_level must be 0 or more, not nan"),
    ],
)
def test_impossible_parameters_are_an_error(
    arguments: dict[str, float], message: str, model: nn.Module, images: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match=message):
        smoothgrad(model, images, TARGETS, **arguments)  # type: ignore[arg-type]
