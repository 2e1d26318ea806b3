"""The controls: what they draw, by other means, and that they do not look at the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from pytest_saliency_sanity import resolve_method

TARGETS = torch.arange(4)


def colours() -> torch.Tensor:
    """Return images whose channels differ, and that are not square."""
    return torch.randn(4, 3, 17, 23, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("of", ["digits", "colours"])
def test_sobel_is_scipys(of: str, model: nn.Module, images: torch.Tensor) -> None:
    looked_at = images if of == "digits" else colours()
    grey = looked_at.mean(1).double().numpy()
    expected = [sum(ndimage.sobel(each, axis, mode="nearest") ** 2 for axis in (0, 1)) ** 0.5 for each in grey]
    actual = resolve_method("sobel")(model, looked_at, TARGETS)
    torch.testing.assert_close(actual.double(), torch.from_numpy(np.stack(expected)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["sobel", "input", "uniform_noise"])
def test_a_control_does_not_look_at_the_model(name: str) -> None:
    class Untouchable(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            raise AssertionError("the model was run")

    assert len(resolve_method(name)(Untouchable(), colours(), TARGETS)) == 4


def test_the_input_is_the_input(model: nn.Module, images: torch.Tensor) -> None:
    maps = resolve_method("input")(model, images, TARGETS)
    assert torch.equal(maps, images)
    assert maps.data_ptr() != images.data_ptr()


def test_noise_is_new_at_every_call_and_follows_the_global_stream(model: nn.Module, images: torch.Tensor) -> None:
    noise = resolve_method("uniform_noise")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first, second = noise(model, images, TARGETS), noise(model, images, TARGETS)
        torch.manual_seed(5)
        again = noise(model, images, TARGETS)
    assert first.shape == (4, 64, 64)
    assert (first.min() >= 0) & (first.max() < 1)
    assert first.std() == pytest.approx(12**-0.5, rel=0.02)
    assert not torch.equal(first, second)
    assert torch.equal(first, again)
