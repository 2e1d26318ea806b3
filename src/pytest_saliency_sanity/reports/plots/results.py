"""What was judged, question by question: means with their intervals and thresholds (the paper, figure 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from ...checks.judging.result import CheckResult
from ...checks.judging.tables import number_of, verdict_of
from ...drawing.bars import draw_bars
from ...drawing.shown import given_axes, shown_figure
from ...drawing.style import INK, LIMIT, SMALL, style_axes
from ...measuring.interval import Interval
from ...methods.registry import CONTROLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
PANEL, BAR, AROUND = 4.4, 0.27, 1.05  # inches: the width of a panel, the height of a bar, that of what is around bars
UNDEFINED = Interval(*[float("nan")] * 3)


def plot_results(
    results: CheckResult | Iterable[CheckResult], *, axes: Axes | Iterable[Axes] | None = None
) -> np.ndarray:
    """Draw what was judged, with intervals and thresholds; return the matplotlib axes, one for each question.

    ``results``: of one method or of several, on any number of models, as ``check_method`` returns them. A question has
    a bar for each method and model, that of the stage that decides, and beside it the verdict. Where there is no
    number, it says why. ``axes``: where to draw, by default a new figure.

    Raises ImportError if matplotlib is missing, ValueError if there are no results, TypeError if something else is
    among them.
    """
    known = [results] if isinstance(results, CheckResult) else list(results)
    for each in known:
        if not isinstance(each, CheckResult):
            raise TypeError(f"results must be CheckResults, as check_method returns them, not {type(each).__name__}")
    if not known:
        raise ValueError("there are no results to plot")
    questions = {question: [each for each in known if each.check == question] for question in _in_order(known, "check")}
    bars = [len(some) for some in questions.values()]
    grid = _new_axes(bars, _in_common(known)) if axes is None else given_axes(axes, (len(questions),))
    for ax, (question, some) in zip(grid, questions.items(), strict=True):
        _draw_question(ax, some, _names(some, known))
        if axes is None:
            ax.set_ylim(max(bars) - 0.4, -0.6)  # all bars are equally high
        ax.set_title(question, loc="left", pad=15, fontsize=SMALL + 1, color=INK, parse_math=False)
    return grid


def _new_axes(bars: Sequence[int], title: str) -> np.ndarray:
    """Return as many axes as there are numbers of bars, in a new figure."""
    columns = min(COLUMNS, len(bars))
    rows = ceil(len(bars) / columns)
    height = rows * (AROUND + BAR * max(bars)) + 0.3 * bool(title)
    figure, grid = shown_figure(rows, columns, PANEL * columns, height)
    for ax in grid.flat[len(bars) :]:
        ax.remove()
    if title:
        figure.suptitle(title, fontsize=SMALL + 2, color=INK, parse_math=False)
    found: np.ndarray = grid.ravel()[: len(bars)]
    for ax in found:
        style_axes(ax)
    return found


def _draw_question(ax: Axes, results: Sequence[CheckResult], names: Sequence[str]) -> None:
    decided = {name: result.deciding for name, result in zip(names, results, strict=True)}
    judged = [stage for stage in decided.values() if stage]
    sides = " or ".join(dict.fromkeys(stage.must_be for stage in judged))
    chances = {round(each.measured.chance, 2) for each in results if each.measured.chance is not None}
    draw_bars(
        ax,
        {name: stage.interval if stage else UNDEFINED for name, stage in decided.items()},
        limits={name: stage.threshold for name, stage in decided.items() if stage},
        quantity=f"{results[0].quantity}, must be {sides}" if judged else "",
        chance=chances.pop() if len(chances) == 1 and judged else None,
        faint=frozenset(name for name, result in zip(names, results, strict=True) if result.method in CONTROLS),
        instead={name: number_of(result) for name, result in zip(names, results, strict=True) if not result.deciding},
    )
    if not judged:
        ax.set_xticks([])
    for row, result in enumerate(results):
        ax.annotate(
            verdict_of(result),
            (1, row),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=LIMIT if result.verdict != "passed" and not result.not_asked else INK,
        )


def _in_order(results: Iterable[CheckResult], name: str) -> list[str]:
    return list(dict.fromkeys(getattr(each, name) for each in results))


def _in_common(results: Sequence[CheckResult]) -> str:
    """Return the method or the model of all results, if only one of them is always the same."""
    methods, models = (_in_order(results, name) for name in ("method", "model"))
    if len(methods) == 1 < len(models):
        return methods[0]
    return f"on {models[0]}" if len(models) == 1 < len(methods) and models[0] else ""


def _names(results: Sequence[CheckResult], of_all: Sequence[CheckResult]) -> list[str]:
    """Return what the bars of a question are called, each once: what is not in common, and the stage if there are more.

    The same question put twice is told apart by its seed, else by its place.
    """
    common = _in_common(of_all)
    names: list[str] = []
    for result in results:
        parts = [part for part in (result.method, result.model) if part and part != common and f"on {part}" != common]
        name = " on ".join(parts) or result.method
        if result.deciding and len(result.stages) > 1:
            name += f",\n{result.deciding.stage}"
        if name in names:
            name += f", seed {result.measured.seed}"
        while name in names:
            name += ", again"
        names.append(name)
    return names
