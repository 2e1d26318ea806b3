"""Maps in colours: centred at 0, in an order that the eye sees, scaled by themselves, NaN in a colour of its own."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pytest_saliency_sanity.drawing.maps import (
    GAP,
    LEVELS,
    NOT_FINITE,
    PALETTE,
    PAPER,
    SHADES,
    SIGNED,
    UNSIGNED,
    colored,
    enlarged,
    have_signs,
    png,
    scale_of,
    shrunk,
    strip,
)

matplotlib = pytest.importorskip("matplotlib")
GREEN = [round(255 * each) for each in NOT_FINITE]
NAN, INF = np.nan, np.inf
# What is spread evenly over a map has the scale 1, and all colours of a colour map.
RAMP = np.linspace(-1, 1, 1001)[None]


def lightness(pixels: np.ndarray) -> np.ndarray:
    """Return CIE 1976 L*, from 0 to 100, of sRGB colours ``(..., 3)`` in uint8.

    L* = 116 f(Y) - 16, with f(Y) = Y^(1/3), or linear for the darkest; Y is the luminance of linear light (IEC
    61966-2-1, CIE 15:2004).
    """
    light = pixels / 255
    linear = np.where(light <= 0.04045, light / 12.92, ((light + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    root = np.where(luminance > (6 / 29) ** 3, np.cbrt(luminance), luminance / (3 * (6 / 29) ** 2) + 4 / 29)
    return 116 * root - 16


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def of_value(value: float, *, signed: bool) -> list[int]:
    """Return the colour of a value on a map of scale 1."""
    return list(map(int, colored(np.array([[value, 1.0]]), signed=signed)[0, 0]))


def test_lightness_is_that_of_white_black_and_grey() -> None:
    # Grey of the sRGB value 119 is the middle, L* = 50.03 (Lindbloom's calculator gives the same).
    found = lightness(np.array([[0] * 3, [255] * 3, [119] * 3], np.uint8))
    np.testing.assert_allclose(found, [0, 100, 50.03], atol=0.01)


def test_larger_values_are_lighter_without_signs() -> None:
    found = lightness(colored(np.abs(RAMP[:, 500:]), signed=False)[0])
    steps = np.diff(found[np.r_[True, np.diff(found) != 0]])
    assert len(steps) == LEVELS
    assert (steps > 0).all()
    # Uniform: no step is more than twice as large as another but near black, where screens differ.
    assert steps[2:].max() < 2 * steps[2:].min()


def test_larger_magnitudes_are_darker_with_signs_and_the_same_on_both_sides() -> None:
    found = lightness(colored(RAMP, signed=True)[0])
    assert (np.diff(found[:501]) >= 0).all()
    assert (np.diff(found[500:]) <= 0).all()
    # A step of the colour map is 2 to 3 in lightness; both halves of coolwarm end at about 37.
    assert np.abs(found - found[::-1]).max() < 3
    assert found[500] - found[[0, -1]].max() > 40


def test_zero_is_the_middle_of_the_colour_map() -> None:
    middle = matplotlib.colormaps[SIGNED](0.5)
    assert of_value(0, signed=True) == [round(255 * each) for each in middle[:3]]
    red, _, blue = of_value(0, signed=True)
    assert abs(red - blue) < 8
    assert of_value(0, signed=False) == [round(255 * each) for each in matplotlib.colormaps[UNSIGNED](0)[:3]]


def test_red_is_positive_and_blue_negative() -> None:
    for value in (0.1, 0.5, 1):
        red, _, blue = of_value(value, signed=True)
        assert red > blue + 8
        red, _, blue = of_value(-value, signed=True)
        assert blue > red + 8


def test_the_ends_are_the_ends_of_the_colour_map() -> None:
    for signed, name in ((True, SIGNED), (False, UNSIGNED)):
        end = [round(255 * each) for each in matplotlib.colormaps[name](1.0)[:3]]
        assert colored(np.ones((2, 2)), signed=signed)[0, 0].tolist() == end


def test_a_map_is_scaled_by_the_99th_percentile_of_its_magnitudes() -> None:
    values = np.linspace(-100, 0, 101)[None]
    assert scale_of(values) == 99
    assert scale_of(np.zeros((2, 2))) == 0
    spike = np.zeros((20, 20))
    spike[3, 4] = -5
    assert scale_of(spike) == 5  # else a single pixel would be divided by 0
    scaled = [colored(factor * RAMP, signed=True) for factor in (1, 1e-30, 1e30)]
    assert (scaled[0] == scaled[1]).all()
    assert (scaled[0] == scaled[2]).all()


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_what_is_not_finite_has_a_colour_of_its_own(bad: float, signed: bool) -> None:
    with_one = np.array([[0.0, bad, 1.0]])
    pixels = colored(with_one, signed=signed)
    assert pixels[0, 1].tolist() == GREEN
    assert (pixels[0, [0, 2]] == colored(np.array([[0.0, 0.0, 1.0]]), signed=signed)[0, [0, 2]]).all()
    everything = colored(np.full((3, 3), bad), signed=signed)
    assert (everything == GREEN).all()
    colors = colored(RAMP, signed=signed)[0].astype(int)
    assert np.abs(colors - GREEN).sum(1).min() > 60  # nothing else is green


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "values",
    [
        np.zeros((3, 3)),
        np.full((3, 3), 7.0),
        np.full((3, 3), -7.0),
        np.zeros((1, 9)),
        np.array([[1.0]]),
        np.array([[1e-45] * 200 + [1.0]], "f4"),
        np.array([[3e38, -3e38]], "f4"),
        np.array([[1, 0]], "f2"),
    ],
)
def test_every_map_has_colours(values: np.ndarray, signed: bool) -> None:
    pixels = colored(values, signed=signed)
    assert pixels.shape == (*values.shape, 3)
    assert pixels.dtype == np.uint8
    assert not (pixels == GREEN).all(-1).any()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[-1.0, 1.0]], True),
        ([[0.0, 1.0]], False),
        ([[-1.0, 0.0]], False),
        ([[-0.005, 1.0]], False),  # what a resampling of a map without signs leaves
        ([[-1.0, 0.005]], False),
        ([[-0.02, 1.0]], True),
        ([[NAN, NAN]], False),
        ([[NAN, -1.0, 1.0]], True),
        ([[INF, -1.0, 1.0]], True),
        ([[0.0, 0.0]], False),
    ],
)
def test_maps_have_signs_if_any_goes_clearly_to_both_sides(values: Any, expected: bool) -> None:
    one = np.array([values])
    assert have_signs({"a": one}) is expected
    assert have_signs({"a": np.zeros_like(one), "b": np.concatenate([np.zeros_like(one), one])}) is expected


def test_a_strip_has_a_column_for_each_stage_and_a_row_for_each_image() -> None:
    maps = {name: np.random.default_rng(0).normal(size=(4, 6, 6)) for name in "abc"}
    pictures = np.zeros((4, 28, 28, 1), np.uint8)
    for images, rows in ((3, 3), (1, 1), (9, 4)):
        height = rows * 48 + (rows - 1) * GAP
        assert strip(maps, images=images).shape == (height, 3 * 48 + 2 * GAP, 3)
        assert strip(maps, pictures, images=images).shape == (height, 4 * 48 + 3 * GAP, 3)
    assert strip(maps, pictures[:2]).shape[0] == 2 * 48 + GAP  # no row without its picture
    assert strip(maps, side=96).shape == (3 * 96 + 2 * GAP, 3 * 96 + 2 * GAP, 3)


def test_a_cell_shows_its_map_and_nothing_else() -> None:
    maps = {name: np.random.default_rng(place).normal(size=(2, 6, 6)) for place, name in enumerate("ab")}
    picture = np.arange(2 * 12 * 12, dtype=np.uint8).reshape(2, 12, 12, 1)
    shown = strip(maps, picture, side=12)
    for row in range(2):
        cells = [shown[row * 14 : row * 14 + 12, at * 14 : at * 14 + 12] for at in range(3)]
        assert (cells[0] == picture[row]).all()
        for cell, name in zip(cells[1:], "ab", strict=True):
            assert (cell == colored(maps[name][row], signed=True).repeat(2, 0).repeat(2, 1)).all()
    assert (shown[12:14] == PAPER).all()
    assert (shown[:, 12:14] == PAPER).all()


def test_all_maps_of_a_strip_are_read_alike() -> None:
    # A stage whose map happens to have no signs is not suddenly drawn in other colours.
    maps = {"a": np.array([[[-1.0, 1.0]]]), "b": np.array([[[0.0, 1.0]]])}
    assert strip(maps, side=2)[0, 4].tolist() == of_value(0, signed=True)


@pytest.mark.parametrize(("height", "width"), [(1, 9), (9, 1), (1, 1), (3, 7), (100, 10), (300, 300), (1, 500)])
def test_maps_of_any_size_fill_the_same_square(height: int, width: int) -> None:
    maps = {"a": np.ones((1, height, width)), "b": np.zeros((1, height, width))}
    shown = strip(maps, np.full((1, 20, 30, 3), 200, np.uint8))
    assert shown.shape == (48, 3 * 48 + 2 * GAP, 3)
    filled = (shown[:, 50:98] != PAPER).any(-1)
    longer = max(height, width)
    assert (filled.any(1).sum(), filled.any(0).sum()) == tuple(
        max(1, round(48 * each / longer)) for each in (height, width)
    )


def test_larger_maps_are_averaged_before_they_are_coloured() -> None:
    # Else red and blue would mix to a colour that stands for no value.
    checkered = np.indices((96, 96)).sum(0) % 2 * 2.0 - 1
    assert shrunk(checkered, 48).tolist() == np.zeros((48, 48)).tolist()
    assert (strip({"a": checkered[None], "b": RAMP[None]})[:, :48] == of_value(0, signed=True)).all()
    with_nan = checkered.copy()
    with_nan[10, 20] = NAN
    assert np.argwhere(np.isnan(shrunk(with_nan, 48))).tolist() == [[5, 10]]


def test_smaller_maps_are_repeated_never_smoothed() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    large = enlarged(pixels, 48)
    assert large.shape == (34, 48, 3)
    assert {tuple(each) for each in large.reshape(-1, 3)} == {tuple(each) for each in pixels.reshape(-1, 3)}
    assert shrunk(pixels, 48) is pixels


@pytest.mark.parametrize("maps", [{}, {"a": np.zeros((0, 3, 3))}, {"a": np.zeros((2, 3, 3)), "b": np.zeros((0, 3, 3))}])
def test_no_maps_are_told(maps: Any) -> None:
    with pytest.raises(ValueError, match="there are no maps to show"):
        strip(maps)


def test_a_png_without_a_palette_keeps_every_colour() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert (decoded(png(pixels)) == pixels).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("signed", [True, False])
def test_a_palette_keeps_the_colours_of_all_maps_and_of_nan(channels: int, signed: bool) -> None:
    random = np.random.default_rng(0)
    maps = {name: random.normal(size=(3, 60, 60)) for name in "abcdefgh"}
    if not signed:
        maps = {name: np.abs(each) for name, each in maps.items()}
    maps["a"][0, 3, 4] = NAN
    pictures = random.integers(0, 256, (3, 60, 60, channels), dtype=np.uint8)
    pixels = strip(maps, pictures, shades=SHADES)
    small = decoded(png(pixels, PALETTE))
    assert len(np.unique(small.reshape(-1, 3), axis=0)) <= PALETTE
    assert (small[:, 50:] == pixels[:, 50:]).all()
    assert (small[:, 50:] == GREEN).all(-1).any()
    assert len(png(pixels, PALETTE)) < 0.6 * len(png(pixels))


def test_a_picture_in_few_shades_is_still_the_picture() -> None:
    picture = np.broadcast_to(np.linspace(0, 255, 48).astype(np.uint8)[None, None, :, None], (1, 48, 48, 1))
    shown = strip({"a": np.zeros((1, 4, 4))}, picture, shades=SHADES)[:, :48].astype(int)
    assert np.abs(shown - picture[0]).max() <= 255 / SHADES
    assert (np.diff(shown[0, :, 0]) >= 0).all()


def test_the_same_maps_give_the_same_bytes() -> None:
    maps = {"a": np.random.default_rng(0).normal(size=(2, 9, 9))}
    assert png(strip(maps), PALETTE) == png(strip(maps), PALETTE)
