"""Other measures of how alike two maps are, against their definitions."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from support.images import noise
from support.skips import needs

from pytest_saliency_sanity.measuring.similarities import SIMILARITIES

A, B = noise(5, 12, 9, seed=0), noise(5, 12, 9, seed=1) + 0.5 * noise(5, 12, 9, seed=0)
ALL = [pytest.param(name, marks=needs("skimage") if name == "ssim" else ()) for name in SIMILARITIES]


def compared(name: str, one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    measure = SIMILARITIES[name]
    return measure.compare(measure.prepare(one), measure.prepare(other))


@pytest.mark.parametrize("name", ALL)
def test_a_map_is_like_itself_and_less_like_another(name: str) -> None:
    torch.testing.assert_close(compared(name, A, A), torch.ones(5, dtype=torch.float64))
    assert (compared(name, A, B) < 0.95).all()


@pytest.mark.parametrize("name", ALL)
def test_a_map_that_is_constant_or_not_finite_is_like_nothing(name: str) -> None:
    odd = A.clone()
    odd[0], odd[1, 2, 3], odd[2, 0, 0] = 3.0, torch.nan, torch.inf
    for pair in ((odd, B), (B, odd)):
        assert compared(name, *pair).isnan().tolist() == [True, True, True, False, False]


def test_pearson_is_the_correlation_of_the_values() -> None:
    expected = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(A.numpy(), B.numpy(), strict=True)]
    np.testing.assert_allclose(compared("pearson", A, B), expected, atol=1e-6)


def test_top_k_is_the_share_of_the_largest_tenth_in_common() -> None:
    one, other = torch.zeros(2, 1, 10, 10)
    one.view(-1)[:10] = torch.arange(10.0) + 1
    other.view(-1)[7:17] = torch.arange(10.0) + 1
    assert compared("top_k", one, other).tolist() == [0.3]


def test_the_first_of_equal_values_are_the_largest() -> None:
    one, other = torch.zeros(2, 1, 50, 50)
    one.view(-1)[2400:2450], other.view(-1)[:250] = 1.0, 1.0
    assert compared("top_k", one, other).tolist() == [0.8]  # fifty ones, and the first two hundred zeros


def test_of_a_small_map_one_value_is_the_largest_tenth() -> None:
    one, other = torch.zeros(2, 1, 3, 3)
    one[0, 0, 0], one[0, 0, 1], other[0, 0, 0], other[0, 2, 2] = 2.0, 1.0, 2.0, 1.0
    assert compared("top_k", one, other).tolist() == [1.0]


def test_ssim_is_that_of_maps_scaled_to_a_largest_magnitude_of_one() -> None:
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    # Of which the largest and the smallest value of the two are in the same map, or not.
    pairs = [(A[0], B[0]), (A[0].abs(), B[0]), (A[0], B[0].abs()), (A[0].abs(), -B[0].abs()), (-A[0].abs(), B[0].abs())]
    for one, other in pairs:
        a, b = ((each / each.abs().max()).double().numpy() for each in (one, other))
        ends = np.stack([a, b])
        expected = structural_similarity(a, b, win_size=7, data_range=ends.max() - ends.min())
        np.testing.assert_allclose(compared("ssim", one[None], other[None]), [expected], rtol=1e-6)


@needs("skimage")
@pytest.mark.parametrize("size", [(3, 3), (4, 4), (6, 9), (12, 9)])
def test_ssim_fits_its_window_into_small_maps(size: tuple[int, int]) -> None:
    one, other = noise(2, *size, seed=2), noise(2, *size, seed=3)
    found = compared("ssim", one, other)
    assert (found.abs() < 1).all()
    torch.testing.assert_close(found, compared("ssim", 10 * one, 10 * other))


@needs("skimage")
def test_ssim_of_a_map_of_two_positions_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 3 x 3 positions; got \\(2, 5\\)"):
        compared("ssim", noise(1, 2, 5), noise(1, 2, 5, seed=1))


def test_without_scikit_image_ssim_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    monkeypatch.setitem(sys.modules, "skimage.metrics", None)
    with pytest.raises(ImportError, match="similarity='ssim' needs scikit-image: pip install 'pytest-saliency-sanity"):
        compared("ssim", A, B)
