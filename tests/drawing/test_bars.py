"""What a chart's axes hold: a bar with its interval for each name, its threshold, and nothing for what is undefined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.cascades import HOSTILE

from pytest_saliency_sanity.drawing.bars import draw_bars
from pytest_saliency_sanity.drawing.curves import Range
from pytest_saliency_sanity.drawing.style import CHANCE, FAINT, LIMIT, SERIES, as_png, as_svg, new_figure

pytest.importorskip("matplotlib")
from matplotlib.colors import to_hex

NAN = float("nan")
RANGES: dict[str, Range] = {"gradcam": (0.3, 0.2, 0.4), "noise": (NAN, NAN, NAN), "sobel": (1.0, 1.0, 1.0)}


def drawn(ranges: dict[str, Range], **how: Any) -> Any:
    _, axes = new_figure(5, 3, left=1.0, bottom=0.5)
    return draw_bars(axes, ranges, **{"quantity": "similarity", **how})


def bars(axes: Any) -> dict[int, tuple[float, str]]:
    """Return by row how long a bar is, and its colour."""
    return {
        round(bar.get_y() + bar.get_height() / 2): (bar.get_width(), to_hex(bar.get_facecolor()))
        for bar in axes.patches
    }


def test_each_name_has_a_bar_of_its_mean_and_the_first_is_on_top() -> None:
    axes = drawn(RANGES)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(RANGES)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert {row: width for row, (width, _) in bars(axes).items()} == {0: 0.3, 2: 1.0}


def test_each_bar_has_its_interval() -> None:
    (container,) = [each for each in drawn(RANGES).containers if hasattr(each, "has_xerr")]
    segments = [segment.tolist() for segment in container[2][0].get_segments()]
    np.testing.assert_allclose(segments, [[[0.2, 0], [0.4, 0]], [[1.0, 2], [1.0, 2]]])


def test_an_interval_stays_where_it_is_though_the_mean_lies_outside() -> None:
    axes = drawn({"a": (0.1, 0.2, 0.4), "b": (0.5, NAN, 0.6)})
    (container,) = [each for each in axes.containers if hasattr(each, "has_xerr")]
    np.testing.assert_allclose(container[2][0].get_segments()[0], [[0.2, 0], [0.4, 0]])
    assert bars(axes)[0][0] == 0.1
    assert as_png(axes.figure).startswith(b"\x89PNG")


def test_a_chart_of_what_is_undefined_has_no_bars() -> None:
    axes = drawn({"a": (NAN, NAN, NAN)})
    assert [note.get_text() for note in axes.texts] == ["none defined"]
    assert bars(axes) == {}


def test_what_is_undefined_says_so_instead() -> None:
    assert {note.get_text(): note.xy[1] for note in drawn(RANGES).texts} == {"none defined": 1}
    told = drawn(RANGES, instead={"noise": "not asked", "sobel": "never shown"}).texts
    assert [note.get_text() for note in told] == ["not asked"]


def test_a_threshold_stands_in_its_row() -> None:
    axes = drawn(RANGES, limits={"sobel": 0.89, "gradcam": 0.68, "noise": 0.5})
    found = [line for line in axes.lines if line.get_color() == LIMIT]
    assert {round(sum(line.get_ydata()) / 2): line.get_xdata()[0] for line in found} == {2: 0.89, 0: 0.68, 1: 0.5}
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["threshold"]


def test_controls_are_in_the_background() -> None:
    colors = {row: color for row, (_, color) in bars(drawn(RANGES, faint=frozenset({"sobel"}))).items()}
    assert colors == {0: SERIES, 2: FAINT}


def test_chance_is_a_line() -> None:
    (line,) = [each for each in drawn(RANGES, chance=0.05).lines if each.get_color() == CHANCE]
    assert [*line.get_xdata()] == [0.05, 0.05]


@pytest.mark.parametrize("ranges", [{"a": (0.1, -0.9, 1.0)}, {"a": (7.0, 6.0, 8.0)}, {"a": (-3.0, -4.0, -2.0)}])
def test_everything_that_is_drawn_can_be_seen(ranges: dict[str, Range]) -> None:
    axes = drawn(ranges, limits={"a": 9.0})
    left, right = axes.get_xlim()
    assert left <= min(0.0, ranges["a"][1])
    assert right >= max(9.0, ranges["a"][2])


def test_axes_of_similarities_go_from_0_to_1() -> None:
    left, right = drawn(RANGES, limits={"sobel": 0.89}).get_xlim()
    assert -0.1 < left <= 0
    assert 1 <= right < 1.1


@pytest.mark.parametrize("name", [*HOSTILE, ""])
def test_any_name_can_be_drawn(name: str) -> None:
    figure, axes = new_figure(5, 3, left=1.0, bottom=0.5)
    draw_bars(axes, {name: (0.5, 0.4, 0.6), "other": (NAN, NAN, NAN)}, quantity=name, instead={"other": name})
    assert axes.get_yticklabels()[0].get_text() == name
    assert as_svg(figure).count("<svg") == 1
    assert as_png(figure).startswith(b"\x89PNG")
