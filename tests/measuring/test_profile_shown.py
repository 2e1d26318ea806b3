"""How a profile is shown: as a plot, as a table in a notebook, and as a DataFrame."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from support.cascades import HOSTILE
from support.maps import around

from pytest_saliency_sanity import SrcProfile
from pytest_saliency_sanity.measuring.profile import TRAINED, Cause
from pytest_saliency_sanity.measuring.statistics import similarity_by_chance

STAGES = ("fc", "conv2", "conv1")
MEANS = (0.8, -0.3, 0.1)


def on_own_axes() -> Any:
    """Return the axes of a figure that pyplot does not know."""
    return Figure().subplots()


def profile(
    *means: float, method: str = "it", model: str = "net", stages: tuple[str, ...] = STAGES, **parts: object
) -> SrcProfile:
    """Return a profile of three draws and twenty images with these mean SRCs; NaN for a stage without any."""
    src = np.stack([around(mean, 0.1) for mean in means or MEANS], axis=1)
    causes = np.where(np.isnan(src), Cause.DEAD_MODEL, 0).astype(np.int8)
    return SrcProfile(method, model, "signed", 7, stages, src, causes, **parts)  # type: ignore[arg-type]


def test_the_curve_is_the_similarity_and_the_band_its_interval(pyplot: ModuleType) -> None:
    shown = profile()
    both: list[Any] = [shown.plot(), shown.plot(on_own_axes(), confidence=0.5)]
    for ax in both:
        (line,) = [line for line in ax.lines if line.get_label() == "it on net"]
        np.testing.assert_array_equal(line.get_ydata(), [shown.similarity(stage).mean for stage in STAGES])
        assert [tick.get_text() for tick in ax.get_xticklabels()] == list(STAGES)
        confidence = 0.5 if "50 %" in ax.get_ylabel() else 0.95
        assert ax.get_ylabel() == f"mean |SRC|, {confidence * 100:g} % interval"
        bounds = [(low, high) for (_, low), (_, high) in ax.collections[0].get_segments()]
        assert bounds == [shown.similarity(stage, confidence)[1:] for stage in STAGES]
    assert len(pyplot.get_fignums()) == 1, "pyplot has the figure that it was asked for, no other"


def test_several_profiles_share_axes_in_colours_of_their_own() -> None:
    ax: Any = profile().plot(on_own_axes())
    assert profile(0.5, 0.4, 0.3, method="other").plot(ax, label="the other") is ax
    assert ax.get_legend_handles_labels()[1] == ["it on net", "the other"]
    named = {line.get_label(): line for line in ax.lines}
    assert named["it on net"].get_color() != named["the other"].get_color()
    assert named["it on net"].get_marker() != named["the other"].get_marker()


def test_profiles_of_other_stages_do_not_share_axes() -> None:
    ax: Any = profile().plot(on_own_axes())
    with pytest.raises(
        ValueError, match="ax shows the stages fc, conv2, conv1; this profile has a, b, c: give it axes"
    ):
        profile(stages=("a", "b", "c")).plot(ax)


def test_axes_that_show_something_else_are_taken() -> None:
    ax = on_own_axes()
    ax.plot([0, 1], [0.5, 0.5], label="mine")
    ax.legend()
    profile().plot(ax)
    assert ax.get_legend_handles_labels()[1] == ["mine", "it on net"]


def test_other_profiles_are_thin_lines_by_what_tells_them_apart() -> None:
    edges, noise = profile(1, 1, 1, method="edges"), profile(0, 0, 0, method="noise", model="another net")
    ax: Any = profile().plot(on_own_axes(), others=[edges, noise, edges])
    assert [text.get_text() for text in ax.texts] == ["edges, edges, too", "noise on another net"]
    assert ax.get_legend_handles_labels()[1] == ["it on net"]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [edges.similarity(stage).mean for stage in STAGES])


def test_what_a_random_map_scores_is_drawn_if_it_is_known() -> None:
    maps = {TRAINED: np.zeros((3, 4, 5), dtype=np.float32)}
    shown = profile(maps=maps)
    assert shown.by_chance == similarity_by_chance(20)
    ax: Any = shown.plot(on_own_axes())
    assert [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == ":"] == [shown.by_chance]
    for other in (profile(), profile(maps=maps, compared_by="ssim")):
        assert other.by_chance is None
        ax = other.plot(on_own_axes())
        assert not [line for line in ax.lines if line.get_linestyle() == ":"]


@pytest.mark.parametrize("means", [(0.5, np.nan, 0.1), (np.nan, np.nan, np.nan)])
def test_a_stage_where_nothing_is_defined_says_so(means: tuple[float, ...]) -> None:
    ax: Any = profile(*means).plot(on_own_axes())
    ax.figure.draw_without_rendering()
    assert [text.get_text() for text in ax.texts] == ["none defined"] * int(np.isnan(means).sum())
    assert [text.xy[0] for text in ax.texts] == np.flatnonzero(np.isnan(means)).tolist()


def test_a_single_stage_of_a_single_image_is_drawn() -> None:
    one = SrcProfile("it", "net", "signed", 0, ("fc",), np.array([[[0.25]]]), np.zeros((1, 1, 1), dtype=np.int8))
    ax: Any = one.plot(on_own_axes())
    ax.figure.draw_without_rendering()
    assert [line.get_ydata().tolist() for line in ax.lines] == [[0.25]]
    assert "0.250 [0.000, 1.000]" in one._repr_html_()


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning", "ignore:Matplotlib currently does not support:UserWarning")
def test_names_are_drawn_as_they_are() -> None:
    shown = profile(*[0.5] * len(HOSTILE), stages=HOSTILE)
    ax: Any = shown.plot(on_own_axes(), others=[replace(shown, method=name) for name in HOSTILE])
    for name in HOSTILE:
        replace(shown, method=name).plot(ax)
    ax.figure.draw_without_rendering()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(HOSTILE)
    (text,) = ax.texts  # of lines that end together
    assert text.get_text() == f"{', '.join(HOSTILE[:3])} and {len(HOSTILE) - 3} more"
    legend = [text.get_text().strip() for text in ax.get_legend().get_texts()]
    assert legend == [f"{name} on net".strip() for name in ("it", *HOSTILE)]


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'pytest-saliency-sanity\[report\]'"):
        profile().plot()


def test_a_notebook_shows_similarity_mean_and_what_is_undefined() -> None:
    shown = profile(0.8, -0.3, np.nan)
    html = shown._repr_html_()
    assert "it on net, signed: 20 images x 3 draws, seed 7; 95 % intervals" in html
    for stage in STAGES:
        cells = (stage, shown.similarity(stage).text, shown.interval(stage).text, f"{shown.undefined(stage)} of 60")
        assert "".join(f"<td>{cell}</td>" for cell in cells) in html
    assert "<td>conv1</td><td>none defined</td><td>none defined</td><td>60 of 60</td>" in html


def test_a_terminal_shows_the_same_table() -> None:
    shown = profile(0.8, -0.3, np.nan)
    printed: list[str] = []
    shown._repr_pretty_(SimpleNamespace(text=printed.append), cycle=False)
    (text,) = printed
    heading = next(line for line in text.splitlines() if line.split()[:1] == ["stage"])
    assert re.split(r"\s{2,}", heading.strip()) == ["stage", "mean |SRC|", "mean SRC", "undefined"]
    for stage in STAGES:
        assert f"{shown.undefined(stage)} of 60" in text


def test_another_measure_is_named() -> None:
    assert ">mean |ssim|<" in profile(compared_by="ssim")._repr_html_()
    assert profile(compared_by="ssim").plot(on_own_axes()).get_ylabel().startswith("mean |ssim|")


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_text_in_a_notebook(name: str) -> None:
    html = profile(method=name, model=name, stages=(name, "b", "c"))._repr_html_()
    assert "<script" not in html
    assert "<img" not in html


def test_a_frame_has_a_row_for_each_draw_stage_and_image() -> None:
    shown = profile(0.8, np.nan, 0.1)
    shown.src[2, 0, 19] = np.nan
    shown.causes[2, 0, 19] = Cause.CONSTANT_AFTER
    frame = shown.to_dataframe()
    assert frame.columns.tolist() == [
        *("method", "model", "compared_by", "sign", "seed", "draw", "stage", "image", "src", "cause")
    ]
    assert len(frame) == shown.src.size
    table = frame.pivot_table("src", ["draw", "image"], "stage", dropna=False)
    np.testing.assert_array_equal(table["conv1"].to_numpy().reshape(3, 20), shown.at("conv1"))
    assert set(frame[frame["stage"] == "conv2"]["cause"]) == {str(Cause.DEAD_MODEL)}
    row = frame[(frame["draw"] == 2) & (frame["stage"] == "fc") & (frame["image"] == 19)].iloc[0]
    assert np.isnan(row["src"])
    assert row["cause"] == str(Cause.CONSTANT_AFTER)
    assert set(frame[frame["src"].notna()]["cause"]) == {""}
    assert set(frame["method"]) == {"it"}
    assert set(frame["seed"]) == {7}


def test_without_pandas_there_is_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        profile().to_dataframe()
