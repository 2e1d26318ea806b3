"""What a curve's axes hold: the points, intervals, thresholds, controls and chance that it was given, and no others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.cascades import HOSTILE

from pytest_saliency_sanity.drawing.curves import Curve, Range, draw_curve
from pytest_saliency_sanity.drawing.style import CHANCE, FAINT, LIMIT, SECOND, SERIES, as_png, as_svg, new_figure

pytest.importorskip("matplotlib")

NAN = float("nan")
STAGES = ("fc", "conv2", "conv1")
RANGES: dict[str, Range] = {"fc": (0.9, 0.8, 1.0), "conv2": (NAN, NAN, NAN), "conv1": (0.1, -0.1, 0.2)}


def drawn(curve: Curve, **how: Any) -> Any:
    _, axes = new_figure(5, 3, left=0.5, bottom=0.5)
    return draw_curve(axes, curve, **{"label": "with signs", **how})


def lines(axes: Any, color: str) -> list[Any]:
    return [line for line in axes.lines if line.get_color() == color]


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def legend(axes: Any) -> list[str]:
    found = axes.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []


def test_the_points_are_the_means_and_the_bars_their_intervals() -> None:
    axes = drawn(Curve(RANGES))
    (line,) = lines(axes, SERIES)
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(line.get_ydata(), [0.9, NAN, 0.1])
    bars, band = axes.collections
    segments = [segment.tolist() for segment in bars.get_segments() if len(segment)]
    assert segments == [[[0, 0.8], [0, 1.0]], [[2, -0.1], [2, 0.2]]]
    assert len(band.get_paths()) >= 1


def test_the_stages_are_in_the_order_of_the_cascade() -> None:
    axes = drawn(Curve(RANGES))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(STAGES)
    assert axes.get_xlim() == (-0.5, 2.5)


def test_a_stage_without_a_number_says_so() -> None:
    axes = drawn(Curve(RANGES))
    (note,) = axes.texts
    assert (note.get_text(), note.xy[0]) == ("none defined", 1)
    assert texts(drawn(Curve({"fc": (0.9, 0.8, 1.0)}))) == []


def test_a_threshold_stands_at_its_stage_only() -> None:
    axes = drawn(Curve(RANGES, {"conv1": 0.68, "fc": 0.89}))
    found = {tuple(line.get_xdata()): tuple(line.get_ydata()) for line in lines(axes, LIMIT)}
    assert {round(sum(at) / 2): limit for at, limit in found.items()} == {2: (0.68, 0.68), 0: (0.89, 0.89)}
    assert all(at[1] - at[0] < 1 for at in found)
    assert legend(axes).count("threshold") == 1


def test_controls_are_drawn_and_named_where_they_end() -> None:
    controls: dict[str, dict[str, Range]] = {
        "sobel": dict.fromkeys(STAGES, (1.0, 1.0, 1.0)),
        "short": {"fc": (0.5, 0.4, 0.6)},
        "nothing": dict.fromkeys(STAGES, (NAN, NAN, NAN)),
    }
    axes = drawn(Curve(dict.fromkeys(STAGES, (0.5, 0.4, 0.6))), others=controls)
    sobel, short, nothing = lines(axes, FAINT)
    np.testing.assert_array_equal(sobel.get_ydata(), [1, 1, 1])
    np.testing.assert_array_equal(short.get_ydata(), [0.5, NAN, NAN])
    assert np.isnan(nothing.get_ydata()).all()
    assert {note.get_text(): tuple(note.xy) for note in axes.texts} == {"sobel": (2, 1.0), "short": (0, 0.5)}


def test_a_second_curve_is_that_of_the_magnitudes() -> None:
    axes = drawn(Curve(RANGES), magnitudes={"fc": (0.7, 0.6, 0.8), "conv1": (0.3, 0.2, 0.4)})
    (line,) = lines(axes, SECOND)
    np.testing.assert_array_equal(line.get_ydata(), [0.7, NAN, 0.3])
    assert line.get_linestyle() == "--"  # not told apart by colour alone
    assert {"with signs", "by magnitude"} <= set(legend(axes))


def test_chance_is_a_line_of_its_own() -> None:
    (line,) = lines(drawn(Curve(RANGES), chance=0.05), CHANCE)
    assert [*line.get_ydata()] == [0.05, 0.05]
    (line,) = lines(drawn(Curve(RANGES), chance=0.0), CHANCE)
    assert [*line.get_ydata()] == [0, 0]
    assert lines(drawn(Curve(RANGES)), CHANCE) == []


@pytest.mark.parametrize(
    ("ranges", "others"),
    [
        ({"a": (0.5, -0.9, 1.0)}, {}),
        ({"a": (3.0, 2.0, 4.0)}, {}),
        ({"a": (-7.0, -8.0, -6.0)}, {}),
        ({"a": (0.5, 0.4, 0.6)}, {"magnitudes": {"a": (1.5, 1.4, 1.6)}}),
        ({"a": (0.5, 0.4, 0.6)}, {"others": {"sobel": {"a": (-0.9, -1.0, -0.8)}}}),
        ({"a": (0.5, 0.4, 0.6)}, {"chance": -0.5}),
    ],
)
def test_everything_that_is_drawn_can_be_seen(ranges: dict[str, Range], others: dict[str, Any]) -> None:
    axes = drawn(Curve(ranges, {"a": 0.5}), **others)
    low, high = axes.get_ylim()
    for line in axes.lines:
        values = np.array(line.get_ydata(), float)
        assert ((low <= values) & (values <= high)).all()
    for _, lowest, highest in ranges.values():
        assert low <= lowest <= highest <= high


def test_axes_of_similarities_go_from_0_to_1() -> None:
    low, high = drawn(Curve({"a": (0.5, 0.4, 0.6)})).get_ylim()
    assert -0.1 < low <= 0
    assert 1 <= high < 1.1


@pytest.mark.parametrize("name", [*HOSTILE, ""])
def test_any_name_can_be_drawn(name: str) -> None:
    figure, axes = new_figure(5, 3, left=0.5, bottom=0.5)
    ranges: dict[str, Range] = {name: (0.5, 0.4, 0.6), "other": (0.4, 0.3, 0.5)}
    draw_curve(axes, Curve(ranges, {name: 0.5}), label=name, others={name: ranges}, quantity=name)
    assert axes.get_xticklabels()[0].get_text() == name
    assert as_svg(figure).count("<svg") == 1
    assert as_png(figure).startswith(b"\x89PNG")


def test_a_curve_without_a_legend_is_drawn() -> None:
    assert legend(drawn(Curve({"a": (0.5, 0.4, 0.6)}), label="")) == []


def test_names_of_controls_that_end_together_stand_together() -> None:
    ends = {"sobel": 1.0, "input": 0.98, "uniform_noise": 0.02}
    controls: dict[str, dict[str, Range]] = {name: dict.fromkeys(STAGES, (at, at, at)) for name, at in ends.items()}
    axes = drawn(Curve(dict.fromkeys(STAGES, (0.5, 0.4, 0.6))), others=controls)
    assert [note.get_text() for note in axes.texts] == ["sobel, input", "uniform_noise"]
