"""Results as bars: one panel for each question, one bar for each method and model."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from support.cascades import HOSTILE, NOTHING, cascade
from support.records import contract, record

from pytest_saliency_sanity import CheckResult, check_method, plot_results
from pytest_saliency_sanity.checks.judging.result import Measured, StageVerdict, not_asked
from pytest_saliency_sanity.measuring.interval import Interval


def result(**parts: Any) -> CheckResult:
    found = cascade(**parts).result
    assert found is not None
    return found


def answered(**parts: Any) -> CheckResult:
    found = record(**parts).result
    assert found is not None
    return found


def bars(ax: Any) -> list[float]:
    """Return the lengths of the bars, from the top."""
    drawn = [container for container in ax.containers if isinstance(container, BarContainer)]
    return [patch.get_width() for container in drawn for patch in container]


def names(ax: Any) -> list[str]:
    return [tick.get_text() for tick in ax.get_yticklabels()]


def texts(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def marks(ax: Any) -> list[float]:
    """Return the thresholds, from the top."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() > 2]


def test_what_check_method_returns_is_drawn(pyplot: ModuleType) -> None:
    found = check_method("sobel", models=["alexnet"], checks=["label_randomization", "class_sensitivity"], images=10)
    grid = plot_results(found)
    assert [ax.get_title(loc="left") for ax in grid] == ["label_randomization", "class_sensitivity"]
    for ax, each in zip(grid, found, strict=True):
        assert bars(ax) == [each.statistic]
        assert marks(ax) == [each.threshold]
        assert names(ax) == ["sobel on alexnet"]
        assert texts(ax) == [each.verdict]
        assert each.deciding is not None
        assert ax.get_xlabel() == f"{each.quantity}, must be {each.deciding.must_be}"
    assert len(pyplot.get_fignums()) == 1


def test_several_methods_and_models_have_a_bar_each() -> None:
    some = [
        answered(method=method, model=model, mean=mean)
        for method, model, mean in (("a", "x", 0.1), ("a", "y", 0.2), ("b", "x", 0.3), ("b", "y", 0.4))
    ]
    (ax,) = plot_results(some, axes=Figure().subplots())
    assert names(ax) == ["a on x", "a on y", "b on x", "b on y"]
    assert bars(ax) == [0.1, 0.2, 0.3, 0.4]
    assert marks(ax) == [0.5] * 4


@pytest.mark.parametrize(
    ("methods", "models", "title", "labels"),
    [
        ("aa", "xy", "a", ["x", "y"]),
        ("ab", "xx", "on x", ["a", "b"]),
        ("ab", "xy", "", ["a on x", "b on y"]),
    ],
)
def test_what_all_have_in_common_is_said_once(
    methods: str, models: str, title: str, labels: list[str], pyplot: ModuleType
) -> None:
    (ax,) = plot_results(answered(method=method, model=model) for method, model in zip(methods, models, strict=True))
    assert names(ax) == labels
    assert ax.figure.get_suptitle() == title


def test_the_stage_that_decides_is_named_if_there_are_several() -> None:
    found = result()
    (judged,) = found.stages
    worse = StageVerdict("conv2", 0.2, "failed", Interval(0.9, 0.8, 1.0), 0, 20)
    (ax,) = plot_results(replace(found, stages=(judged, worse), verdict="failed"), axes=Figure().subplots())
    assert names(ax) == ["gradcam on alexnet,\nconv2"]
    assert bars(ax) == [0.9]
    assert marks(ax) == [0.2]
    assert texts(ax) == ["failed"]


def test_the_same_question_put_twice_is_told_apart() -> None:
    twice = [answered(), replace(answered(), measured=Measured(5)), replace(answered(), measured=Measured(5))]
    (ax,) = plot_results(twice, axes=Figure().subplots())
    assert names(ax) == ["gradcam on alexnet", "gradcam on alexnet, seed 5", "gradcam on alexnet, seed 5, again"]


def test_where_there_is_no_number_it_says_why() -> None:
    nothing = StageVerdict("stage", 0.5, "undefined", NOTHING, 10, 10)
    some = [
        answered(method="a"),
        replace(answered(method="b", verdict="undefined"), stages=(nothing,)),
        not_asked("label_randomization", "c", "alexnet", 0, "no twin"),
    ]
    (ax,) = plot_results(some, axes=Figure().subplots())
    assert bars(ax) == [0.3]
    assert texts(ax) == ["none defined", "", "passed", "undefined", "not asked"]
    promised = contract().result
    assert promised is not None
    (ax,) = plot_results(promised, axes=Figure().subplots())
    assert bars(ax) == []
    assert texts(ax) == ["", "passed"]
    ax.figure.draw_without_rendering()


def test_a_random_map_is_drawn_if_all_have_the_same_chance() -> None:
    for chances, drawn in (((0.05, 0.051), True), ((0.05, 0.3), False), ((None, None), False)):
        some = [
            replace(answered(method=method), measured=Measured(0, chance=chance))
            for method, chance in zip("ab", chances, strict=True)
        ]
        (ax,) = plot_results(some, axes=Figure().subplots())
        assert ("a random map" in ax.get_legend_handles_labels()[1]) is drawn


def test_own_axes_keep_pyplot_out_of_it(pyplot: ModuleType) -> None:
    some = [answered(), result()]
    axes = Figure().subplots(1, 2)
    assert plot_results(some, axes=axes).tolist() == axes.tolist()
    assert pyplot.get_fignums() == []
    with pytest.raises(ValueError, match="axes must be 2, not 1"):
        plot_results(some, axes=axes[0])


def test_a_figure_has_as_many_panels_as_questions(pyplot: ModuleType) -> None:
    some = [answered(check=f"check_{number}") for number in range(4)]
    assert len(plot_results(some)[0].figure.axes) == 4


def test_what_can_not_be_drawn_is_an_error(pyplot: ModuleType) -> None:
    with pytest.raises(ValueError, match="no results to plot"):
        plot_results([])
    with pytest.raises(TypeError, match="results must be CheckResults, as check_method returns them, not Record"):
        plot_results([record()])  # type: ignore[list-item]
    assert pyplot.get_fignums() == []


@pytest.mark.filterwarnings("ignore:Glyph:UserWarning", "ignore:Matplotlib currently does not support:UserWarning")
def test_names_are_drawn_as_they_are(pyplot: ModuleType) -> None:
    (ax,) = plot_results(answered(method=name) for name in HOSTILE)
    ax.figure.draw_without_rendering()
    assert names(ax) == list(HOSTILE)
    for name in ("$\\frac$ and $x", "_hidden"):
        (ax,) = plot_results([answered(method=name, model=model, check=name) for model in "ab"])
        ax.figure.draw_without_rendering()
        assert ax.get_title(loc="left") == ax.figure.get_suptitle() == name


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'pytest-saliency-sanity\[report\]'"):
        plot_results(answered())
