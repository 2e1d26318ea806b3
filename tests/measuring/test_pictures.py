"""What is kept for the eye: three images and their maps, not too large, in numbers that a file can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pytest_saliency_sanity.measuring.pictures import KEPT, LARGEST, maps_to_keep, pictures_of

NAN, INF = float("nan"), float("inf")


def ramp(*shape: int) -> torch.Tensor:
    return torch.arange(int(np.prod(shape)), dtype=torch.float32).reshape(shape)


@pytest.mark.parametrize(("channels", "kept"), [(1, 1), (2, 1), (3, 3), (4, 1)])
@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_the_first_images_are_kept_in_grey_or_colour(channels: int, kept: int, count: int) -> None:
    pictures = pictures_of(torch.rand(count, channels, 5, 7))
    assert (pictures.shape, str(pictures.dtype)) == ((min(count, KEPT), 5, 7, kept), "uint8")


def test_each_picture_goes_from_black_to_white_whatever_the_normalisation() -> None:
    one = torch.rand(1, 3, 4, 4)
    pictures = pictures_of(torch.cat([one, one * 20 - 7, one / 255]))
    assert (pictures.min(), pictures.max()) == (0, 255)
    expected = ((one - one.min()) / (one.max() - one.min()) * 255).round()[0].permute(1, 2, 0)
    for picture in pictures.astype(int):
        assert np.abs(picture - expected.numpy()).max() <= 1


def test_the_channels_of_a_picture_keep_their_colours() -> None:
    red = torch.zeros(1, 3, 2, 2)
    red[:, 0] = 1
    assert pictures_of(red)[0, 0, 0].tolist() == [255, 0, 0]


def test_other_channels_are_averaged() -> None:
    two = torch.stack([torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 3.0]])])[None]
    assert pictures_of(two)[0, :, :, 0].tolist() == [[0, 255]]
    assert (pictures_of(two) == pictures_of(two.mean(1, keepdim=True))).all()


@pytest.mark.parametrize(
    "images",
    [
        torch.full((2, 1, 3, 3), 7.0),
        torch.full((1, 3, 3, 3), NAN),
        torch.full((1, 1, 3, 3), INF),
        torch.full((1, 1, 3, 3), -INF),
    ],
)
def test_an_image_without_contrast_is_black(images: torch.Tensor) -> None:
    assert (pictures_of(images) == 0).all()


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_an_image_with_a_pixel_that_is_not_finite_is_a_picture(bad: float) -> None:
    images = torch.rand(1, 1, 3, 3)
    images[0, 0, 0, 0] = bad
    assert pictures_of(images).shape == (1, 3, 3, 1)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_images_of_any_precision_are_kept(kind: torch.dtype) -> None:
    pictures = pictures_of(ramp(1, 1, 2, 2).to(kind).requires_grad_())
    assert pictures.ravel().tolist() == [0, 85, 170, 255]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((LARGEST, LARGEST), (LARGEST, LARGEST)),
        ((224, 224), (112, 112)),
        ((225, 100), (112, 50)),
        ((30, 900), (4, 112)),
        ((1, 5000), (1, 112)),
        ((5000, 1), (112, 1)),
    ],
)
def test_no_side_is_longer_than_the_largest(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert pictures_of(torch.rand(1, 1, *size)).shape == (1, *expected, 1)
    assert maps_to_keep(torch.rand(1, *size), "signed").shape == (1, *expected)


def test_larger_maps_are_averaged_over_areas() -> None:
    maps = torch.rand(2, 224, 224)
    expected = maps.reshape(2, 112, 2, 112, 2).mean((2, 4))
    np.testing.assert_allclose(maps_to_keep(maps, "signed"), expected, rtol=1e-5)


def test_smaller_maps_are_kept_as_they_are() -> None:
    maps = torch.randn(5, 7, 9)
    kept = maps_to_keep(maps, "signed")
    assert kept.dtype == np.float32
    assert (kept == maps[:KEPT].numpy()).all()


@pytest.mark.parametrize(("sign", "expected"), [("signed", [[0.0, -1.0]]), ("absolute", [[4.0, 3.0]])])
def test_channels_are_read_as_they_are_compared(sign: str, expected: Any) -> None:
    attributions = torch.tensor([[[[2.0, 1.0]], [[-2.0, -2.0]]]])
    assert maps_to_keep(attributions, sign)[0].tolist() == expected


def test_what_is_not_finite_stays_so() -> None:
    maps = torch.tensor([[[NAN, INF], [-INF, 1.0]]])
    np.testing.assert_array_equal(maps_to_keep(maps, "signed"), maps.numpy())


def test_what_is_kept_is_not_the_users_tensor() -> None:
    maps = torch.ones(1, 2, 2)
    kept = maps_to_keep(maps, "signed")
    maps.zero_()
    assert kept.tolist() == [[[1, 1], [1, 1]]]
