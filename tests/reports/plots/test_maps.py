"""Maps side by side: of a profile, of a result, or by name."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from support.cascades import HOSTILE, STAGES, cascade, evidence
from support.images import digits

from pytest_saliency_sanity import CheckResult, SrcProfile, check_method, plot_maps, src_profile
from pytest_saliency_sanity.checks.judging.evidence import Evidence
from pytest_saliency_sanity.data.batch import Batch
from pytest_saliency_sanity.drawing.maps import COLORS, SCALING, colored
from pytest_saliency_sanity.measuring.profile import TRAINED

NAMES = (TRAINED, *STAGES)


def result(**parts: Any) -> CheckResult:
    found = cascade(**parts).result
    assert found is not None
    return found


def pixels(cell: Any) -> np.ndarray:
    """Return the picture in a cell."""
    (image,) = cell.images
    found: np.ndarray = image.get_array()
    return found


def words_of(text: str) -> str:
    """Return a text without blanks: lines are broken anywhere."""
    return "".join(text.split())


@pytest.fixture(scope="module")
def profile() -> SrcProfile:
    return src_profile("gradient", "alexnet", Batch(digits(4)), at=("classifier", "last"), seeds=2)


def test_a_row_is_an_image_and_a_column_a_stage(pyplot: ModuleType, profile: SrcProfile) -> None:
    grid = plot_maps(profile, rows=2)
    assert grid.shape == (2, 2 + len(profile.stages))
    titles = [cell.get_title() for cell in grid[0]]
    assert titles == ["the image", "the trained\nmodel", *profile.stages]
    assert not any(cell.get_title() for cell in grid[1])
    assert profile.pictures is not None
    for image, (picture, *cells) in enumerate(grid):
        np.testing.assert_array_equal(pixels(picture), np.broadcast_to(profile.pictures[image], (64, 64, 3)))
        for cell, maps in zip(cells, profile.maps.values(), strict=True):
            np.testing.assert_array_equal(pixels(cell), colored(maps[image], signed=True))


def test_below_a_map_stands_the_src_that_was_measured_of_it(profile: SrcProfile) -> None:
    cells = Figure().subplots(3, 4)
    plot_maps(profile, axes=cells)
    for image in range(3):
        below = [cell.get_xlabel() for cell in cells[image]]
        assert below == ["", "", *(f"{profile.at(stage)[0, image]:.2f}" for stage in profile.stages)]


def test_a_figure_says_how_maps_are_scaled_and_what_the_numbers_are(pyplot: ModuleType, profile: SrcProfile) -> None:
    figure = plot_maps(profile)[0, 0].figure
    said = " ".join(figure.get_supxlabel().split())
    assert said == f"Below each map: its SRC with the first map. {SCALING} {COLORS}"
    assert figure.get_suptitle() == "gradient on alexnet"


def test_a_result_shows_what_its_verdict_rests_on(pyplot: ModuleType) -> None:
    found = result()
    grid = plot_maps(found)
    assert grid.shape == (2, 1 + len(NAMES)), "two images were kept"
    assert found.evidence is not None
    values = found.evidence.values["signed"]
    assert [cell.get_xlabel() for cell in grid[1]] == ["", "", *(f"{values[stage][0, 1]:.2f}" for stage in STAGES)]
    assert grid[0, 0].figure.get_suptitle() == f"gradcam on alexnet: {found.check}"


def test_the_biased_and_the_balanced_network_stand_side_by_side(pyplot: ModuleType) -> None:
    (found,) = check_method("gradient", models=["alexnet"], checks=["bias_detection"], images=10)
    grid = plot_maps(found, rows=1)
    assert [cell.get_title() for cell in grid[0]] == ["the image", "biased", "balanced"]
    assert found.evidence is not None
    masses = found.evidence.values["absolute"]
    assert [cell.get_xlabel() for cell in grid[0]] == ["", *(f"{masses[name][0, 0]:.2f}" for name in masses)]
    assert "its mass on the nuisance" in grid[0, 0].figure.get_supxlabel()


def test_an_undefined_src_is_called_so() -> None:
    shown = evidence()
    shown.values["signed"]["fc"][0, 0] = np.nan
    cells = Figure().subplots(1, 5)
    plot_maps(replace(result(), evidence=shown), rows=1, axes=cells)
    assert [cell.get_xlabel() for cell in cells][2] == "undefined"


def test_a_stage_without_maps_keeps_its_place(pyplot: ModuleType, profile: SrcProfile) -> None:
    shown = evidence()
    del shown.maps["conv2"]  # type: ignore[attr-defined]
    grid = plot_maps(replace(result(), evidence=shown), rows=1)
    assert [cell.get_title() for cell in grid[0]] == ["the image", "the trained\nmodel", *STAGES]
    assert [text.get_text() for cell in grid[0] for text in cell.texts] == ["no map"]
    (first, *_) = profile.maps
    grid = plot_maps(replace(profile, maps={first: profile.maps[first]}), rows=1)
    assert [text.get_text() for cell in grid[0] for text in cell.texts] == ["no map"] * len(profile.stages)
    grid[0, 0].figure.draw_without_rendering()


def test_maps_by_name_are_drawn_beside_their_images(pyplot: ModuleType) -> None:
    random = torch.Generator().manual_seed(0)
    one, other = torch.randn(5, 3, 8, 6, generator=random), torch.rand(5, 4, 3, generator=random).numpy()
    grid = plot_maps({"one": one, "other": other}, digits(5), rows=4)
    assert grid.shape == (4, 3)
    for image in range(4):
        np.testing.assert_array_equal(pixels(grid[image, 1]), colored(one[image].sum(0).numpy(), signed=True))
        np.testing.assert_array_equal(pixels(grid[image, 2]), colored(other[image], signed=True))
    assert plot_maps({"other": other}).shape == (3, 1)


def test_maps_without_signs_are_drawn_from_dark_to_bright() -> None:
    maps = np.arange(12.0).reshape(1, 3, 4)
    ax = Figure().subplots()
    plot_maps({"maps": maps}, axes=ax)
    np.testing.assert_array_equal(pixels(ax), colored(maps[0], signed=False))


def test_maps_that_need_gradients_can_be_drawn() -> None:
    ax = Figure().subplots()
    plot_maps({"maps": torch.rand(1, 3, 3, requires_grad=True)}, axes=ax)
    assert pixels(ax).shape == (3, 3, 3)


def test_maps_that_are_not_finite_are_drawn() -> None:
    ax = Figure().subplots(1, 2)
    plot_maps({"nan": np.full((1, 2, 2), np.nan), "inf": np.array([[[1.0, -np.inf], [0, np.inf]]])}, axes=ax)
    ax[0].figure.draw_without_rendering()


def test_own_axes_keep_pyplot_out_of_it(pyplot: ModuleType, profile: SrcProfile) -> None:
    axes = Figure().subplots(2, 4)
    assert plot_maps(profile, rows=2, axes=axes).tolist() == axes.tolist()
    assert pyplot.get_fignums() == []
    with pytest.raises(ValueError, match="axes must be 3 x 4, not 8"):
        plot_maps(profile, axes=axes)


@pytest.mark.parametrize(
    ("source", "images", "rows", "error", "words"),
    [
        ("gradcam", None, 3, TypeError, "a profile, a result or maps by name, not str"),
        ({}, None, 3, ValueError, "no maps to plot"),
        ({"a": np.zeros((2, 3, 3))}, None, 0, ValueError, "rows must be at least 1, not 0"),
        ({"a": np.zeros((3, 3))}, None, 3, ValueError, r"maps of a must be \(N, h, w\) or .*, not \(3, 3\)"),
        ({"a": np.zeros((0, 3, 3))}, None, 3, ValueError, r"maps of a must be .*, not \(0, 3, 3\)"),
        (
            {"a": np.zeros((2, 3, 3)), "b": np.zeros((4, 3, 3))},
            None,
            3,
            ValueError,
            r"equally many images, not of \[2, 4\]",
        ),
        (
            {"a": np.zeros((2, 3, 3))},
            np.zeros((2, 28, 28)),
            3,
            ValueError,
            r"images must be \(N, C, H, W\), not \(2, 28",
        ),
        ({"a": np.zeros((2, 3, 3))}, np.zeros((1, 1, 28, 28)), 3, ValueError, "equally many images"),
        (replace(result(), evidence=None), None, 3, ValueError, "holds no maps"),
        (replace(result(), evidence=Evidence()), None, 3, ValueError, "holds no maps"),
        (result(), np.zeros((2, 1, 28, 28)), 3, ValueError, "leave out images"),
    ],
)
def test_what_can_not_be_drawn_is_an_error(
    source: Any, images: Any, rows: int, error: type[Exception], words: str, pyplot: ModuleType
) -> None:
    with pytest.raises(error, match=words):
        plot_maps(source, images, rows=rows)
    assert pyplot.get_fignums() == [], "no figure is left half-drawn"


def test_a_profile_without_maps_is_an_error(profile: SrcProfile) -> None:
    with pytest.raises(ValueError, match="the profile of gradient on alexnet holds no maps"):
        plot_maps(replace(profile, maps={}))


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning", "ignore:Matplotlib currently does not support:UserWarning")
def test_names_are_drawn_as_they_are(pyplot: ModuleType) -> None:
    grid = plot_maps({name: np.ones((1, 2, 2)) for name in HOSTILE})
    grid[0, 0].figure.draw_without_rendering()
    assert [words_of(cell.get_title()) for cell in grid[0]] == [words_of(name) for name in HOSTILE]
    for name in ("$\\frac$ and $x", "_hidden"):
        figure = plot_maps(result(method=name, model=name), rows=1)[0, 0].figure
        figure.draw_without_rendering()
        assert figure.get_suptitle().startswith(f"{name} on {name}: ")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, profile: SrcProfile) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'pytest-saliency-sanity\[report\]'"):
        plot_maps(profile)
