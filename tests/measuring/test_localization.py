"""The mass inside a mask, against a slow literal version."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from pytest_saliency_sanity.measuring.localization import are_enlarged, mass_inside, mass_outside


def literal_mass(map_: np.ndarray, mask: np.ndarray) -> float:
    """Pixel by pixel: the magnitude at a pixel's centre, interpolated between the four nearest of the map's."""
    if map_.ndim == 2:
        map_ = map_[None]
    (height, width), (h, w) = mask.shape, map_.shape[1:]
    inside = total = 0.0
    for row in range(height):
        for column in range(width):
            y = min(max((row + 0.5) * h / height - 0.5, 0), h - 1)
            x = min(max((column + 0.5) * w / width - 0.5, 0), w - 1)
            top, left = math.floor(y), math.floor(x)
            bottom, right = min(top + 1, h - 1), min(left + 1, w - 1)
            value = sum(
                (1 - (y - top)) * ((1 - (x - left)) * abs(c[top, left]) + (x - left) * abs(c[top, right]))
                + (y - top) * ((1 - (x - left)) * abs(c[bottom, left]) + (x - left) * abs(c[bottom, right]))
                for c in map_
            )
            total += value
            inside += value * mask[row, column]
    return inside / total


@pytest.mark.parametrize("shape", [(3, 7), (12, 24), (5, 5), (2, 3, 7), (3, 12, 24), (1, 1, 1)])
def test_it_is_the_share_of_the_magnitude_inside(shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(len(shape))
    maps = torch.randn(4, *shape, generator=generator)
    masks = torch.rand(4, 12, 24, generator=generator) < torch.tensor([0.1, 0.5, 0.9, 0.5])[:, None, None]
    expected = [literal_mass(map_.double().numpy(), mask.numpy()) for map_, mask in zip(maps, masks, strict=True)]
    assert mass_inside(maps, masks).tolist() == pytest.approx(expected, abs=1e-9)


def test_a_map_in_one_half_has_all_its_mass_there() -> None:
    maps = torch.zeros(2, 8, 16)
    maps[0, :, :8], maps[1, 3, 12] = 0.5, -2.0
    left = (torch.arange(16) < 8).expand(2, 8, 16)
    assert mass_inside(maps, left).tolist() == [1.0, 0.0]
    assert mass_inside(maps, ~left).tolist() == [0.0, 1.0]


def test_a_flat_map_has_the_masks_share_at_any_resolution() -> None:
    masks = torch.zeros(3, 10, 20, dtype=torch.bool)
    masks[0, :5], masks[1, :, :5], masks[2, 0, 0] = True, True, True
    for size in ((10, 20), (2, 3), (1, 1), (40, 60)):
        assert mass_inside(torch.full((3, *size), -3.0), masks).tolist() == pytest.approx([0.5, 0.25, 1 / 200])


def test_a_finer_map_is_averaged_not_sampled() -> None:
    # Every other column is bright: taking single pixels would see all of it, or nothing.
    maps = torch.zeros(1, 32, 64)
    maps[..., ::2] = 1.0
    left = (torch.arange(16) < 8).expand(1, 8, 16)
    assert mass_inside(maps, left).item() == pytest.approx(0.5, abs=0.01)


def test_no_column_of_a_finer_map_is_passed_over() -> None:
    # A sample between the two columns in the middle of every four would see the right half only.
    maps = torch.zeros(1, 32, 64)
    maps[..., 0:32:4] = 1.0
    maps[..., 33:64:4] = 1.0
    left = (torch.arange(16) < 8).expand(1, 8, 16)
    assert mass_inside(maps, left).item() == pytest.approx(0.5, abs=0.05)


def test_size_does_not_matter() -> None:
    maps = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(0)).double()
    masks = torch.zeros(2, 8, 12, dtype=torch.bool)
    masks[:, :, :6] = True
    expected = mass_inside(maps, masks).tolist()
    for scale in (1e-300, 1e-9, 1e300):
        assert mass_inside(maps * scale, masks).tolist() == pytest.approx(expected, rel=1e-9)
    assert mass_inside(maps.float(), masks).tolist() == pytest.approx(expected, rel=1e-5)


def test_maps_of_zeros_or_with_nan_have_no_mass_and_the_others_do() -> None:
    maps = torch.ones(5, 2, 4, 4)
    maps[1], maps[2, 0, 1, 1], maps[3, 1, 0, 0] = 0.0, torch.nan, torch.inf
    masks = torch.ones(5, 4, 4, dtype=torch.bool)
    masks[:, 0] = False
    assert mass_inside(maps, masks).isnan().tolist() == [False, True, True, True, False]
    assert mass_inside(maps, masks)[[0, 4]].tolist() == pytest.approx([0.75, 0.75])


def test_opposite_channels_do_not_cancel() -> None:
    maps = torch.zeros(1, 2, 2, 2)
    maps[0, 0, 0, 0], maps[0, 1, 0, 0], maps[0, 0, 1, 1] = 1.0, -1.0, 2.0
    masks = torch.tensor([[[True, False], [False, False]]])
    assert mass_inside(maps, masks).item() == 0.5


def test_what_it_is_given_is_left_alone() -> None:
    maps = torch.rand(2, 3, 3, requires_grad=True)
    before, masks = maps.detach().clone(), torch.eye(3, dtype=torch.bool).repeat(2, 1, 1)
    assert not mass_inside(maps, masks).requires_grad
    assert torch.equal(maps, before)


def test_the_mass_outside_is_that_of_cells_which_touch_no_pixel_inside() -> None:
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[:, 4:] = True
    maps = torch.zeros(3, 8, 8)
    maps[0, 2, 3], maps[1, 2, 4], maps[2, 0, 0], maps[2, 7, 7] = 0.5, -0.5, 1.0, -3.0
    assert mass_outside(maps, inside).tolist() == [1.0, 0.0, 0.25]
    # A cell of four pixels, and one of three columns that overlap, 0 to 2, 2 to 5 and 5 to 7.
    coarse = torch.ones(1, 2, 2)
    assert mass_outside(coarse, inside).tolist() == [0.5]
    assert mass_outside(torch.ones(1, 1, 3), inside).tolist() == pytest.approx([1 / 3])
    assert mass_outside(coarse, torch.ones(8, 8, dtype=torch.bool)).tolist() == [0.0]
    assert mass_outside(coarse, ~torch.ones(8, 8, dtype=torch.bool)).tolist() == [1.0]


def test_the_mass_outside_of_channels_is_that_of_their_magnitudes() -> None:
    inside = torch.zeros(2, 2, dtype=torch.bool)
    inside[1, 1] = True
    maps = torch.zeros(4, 2, 2, 2)
    maps[0, 0, 0, 0], maps[0, 1, 0, 0], maps[0, 0, 1, 1] = 1.0, -1.0, 2.0
    maps[2, 0, 0, 1], maps[3, 1, 1, 0] = torch.nan, torch.inf
    outside = mass_outside(maps, inside)
    assert outside[0].item() == 0.5
    assert outside[1:].isnan().all()


@pytest.mark.parametrize(("side", "enlarged"), [(8, True), (9, False), (64, False)])
def test_a_map_enlarged_eight_times_or_more_is_seen_as_such(side: int, enlarged: bool) -> None:
    maps = torch.randn(4, side, side, generator=torch.Generator().manual_seed(0))
    for mode in ("nearest", "bilinear"):
        assert are_enlarged(F.interpolate(maps[:, None], (64, 64), mode=mode)[:, 0]) == enlarged


def test_columns_and_rows_of_zeros_are_no_sides_of_a_map() -> None:
    maps = torch.zeros(2, 64, 64)
    maps[:, 4:16, 8:20] = torch.randn(2, 12, 12, generator=torch.Generator().manual_seed(0))
    assert not are_enlarged(maps)
    maps[:, 4:16, 8:20] = torch.randn(2, 1, 1, generator=torch.Generator().manual_seed(0))
    assert are_enlarged(maps)


@pytest.mark.parametrize("region", [(slice(8, 14), slice(2, 8)), (slice(6), slice(None)), (slice(None), slice(6))])
def test_a_map_in_a_corner_is_as_fine_as_its_shorter_side_there(region: tuple[slice, slice]) -> None:
    maps = torch.zeros(2, 64, 64)
    maps[:, *region] = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(0))[:, *region]
    assert not are_enlarged(maps)


def test_most_maps_must_be_enlarged_of_those_that_have_a_say() -> None:
    fine = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    coarse = F.interpolate(fine[:, None, :2, :2], (32, 32))[:, 0]
    assert are_enlarged(torch.cat([fine[:1], coarse[:2]]))
    assert not are_enlarged(torch.cat([fine[:1], coarse[:1]]))
    nothing = torch.zeros(2, 32, 32)
    nothing[1] = torch.nan
    assert are_enlarged(torch.cat([nothing, coarse[:1]]))
    assert not are_enlarged(torch.cat([nothing, fine[:1]]))
    assert not are_enlarged(nothing)
    broken = fine.clone()
    broken[:, 3, 4] = torch.inf
    assert are_enlarged(torch.cat([broken, coarse[:1]]))
    assert not are_enlarged(torch.cat([broken, fine[:1]]))


@pytest.mark.parametrize(("maps", "masks"), [((2, 4), (2, 4, 4)), ((2, 4, 4), (3, 4, 4)), ((2, 4, 4), (2, 1, 4, 4))])
def test_maps_and_masks_that_do_not_fit_are_an_error(maps: tuple[int, ...], masks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"one per map; got \(2, 4"):
        mass_inside(torch.ones(maps), torch.ones(masks, dtype=torch.bool))
