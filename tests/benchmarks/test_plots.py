"""Figures: what is drawn is what was given, and matplotlib's global state has no part in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plots import Picture, bars, curves, grid_of_maps

from pytest_saliency_sanity.measuring.interval import Interval

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
NAN = float("nan")


def grey(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("L"), dtype=float)


def test_bright_pixels_of_a_map_are_bright_in_the_figure(tmp_path: Path) -> None:
    left = np.zeros((8, 8))
    left[:, :4] = 1.0
    drawn = [grey(grid_of_maps({"row": [Picture(values)]}, tmp_path / "map.png")) for values in (left, left[:, ::-1])]
    assert drawn[0].shape == drawn[1].shape
    difference = drawn[0] - drawn[1]
    where = np.argwhere(np.abs(difference) > 200)
    middle = where[:, 1].mean()
    assert (difference[where[:, 0], where[:, 1]] > 0).tolist() == (where[:, 1] < middle).tolist()


def test_one_extreme_pixel_does_not_darken_the_others(tmp_path: Path) -> None:
    values = np.ones((20, 20))
    plain = grey(grid_of_maps({"row": [Picture(values)]}, tmp_path / "plain.png")).mean()
    values[0, 0] = 1e6
    assert grey(grid_of_maps({"row": [Picture(values)]}, tmp_path / "extreme.png")).mean() == pytest.approx(
        plain, abs=1
    )


@pytest.mark.parametrize("values", [np.zeros((4, 4)), np.full((4, 4), NAN), np.full((4, 4), 1e-30), np.ones((1, 1))])
def test_maps_that_show_nothing_are_drawn_all_the_same(tmp_path: Path, values: np.ndarray) -> None:
    image = np.full((16, 16, 3), 0.5)
    file = grid_of_maps(
        {"a": [Picture(image), Picture(values, over=image)], "b": [Picture(values)]}, tmp_path / "x.png"
    )
    assert grey(file).size > 0


def test_other_means_are_another_picture(tmp_path: Path) -> None:
    low, high = Interval(0.1, 0.05, 0.15), Interval(0.9, 0.85, 0.95)
    for draw, name in ((bars, "bars"), (curves, "curves")):
        files = [
            draw({"group": {"one": first, "two": second}}, tmp_path / f"{name}-{row}.png", title="t")
            for row, (first, second) in enumerate(((low, high), (high, low)))
        ]
        pictures = [grey(file) for file in files]
        assert (pictures[0] != pictures[1]).any()


def test_stages_without_a_defined_mean_leave_a_gap(tmp_path: Path) -> None:
    line = {"fc": Interval(0.5, 0.4, 0.6), "conv": Interval(NAN, NAN, NAN), "last": Interval(0.1, 0.0, 0.2)}
    assert grey(curves({"method": line}, tmp_path / "curve.png", title="t")).size > 0
    assert grey(bars({"group": line}, tmp_path / "bars.png", title="t")).size > 0


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    rows = {"row": [Picture(np.arange(16.0).reshape(4, 4), "title")]}
    files = [grid_of_maps(rows, tmp_path / "deep" / f"{name}.png").read_bytes() for name in "ab"]
    assert files[0] == files[1]


def test_pyplot_is_not_imported(tmp_path: Path) -> None:
    program = (
        "import sys, numpy; from pathlib import Path\n"
        "from plots import Picture, grid_of_maps\n"
        "assert 'matplotlib' not in sys.modules\n"
        f"grid_of_maps({{'r': [Picture(numpy.ones((2, 2)))]}}, Path({str(tmp_path / 'x.png')!r}))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=BENCHMARKS)
