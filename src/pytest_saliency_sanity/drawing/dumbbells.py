"""Two means of the same thing, with their intervals, joined by a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .curves import Range
from .style import FAINT, INK, LIMIT, SECOND, SERIES, SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

APART = 0.13  # how far the two intervals of a row are from its middle, so that both are seen


def draw_dumbbells(
    axes: Axes,
    before: Mapping[str, Range],
    after: Mapping[str, Range],
    *,
    labels: tuple[str, str],
    quantity: str,
    limits: Mapping[str, float] | None = None,
    faint: frozenset[str] = frozenset(),
) -> Axes:
    """Draw a row for each name, the first on top: what it was is a ring, what it is now a disc.

    ``before`` and ``after`` have the same names; in place of a range whose mean is NaN it says that there is none.
    ``labels``: what the two are. ``limits``: the threshold of each name.
    ``faint``: names in the background, such as what has not changed.
    """
    names = list(after)
    for number, (ranges, color, fill, shift) in enumerate(
        ((before, SECOND, "white", -APART), (after, SERIES, SERIES, APART))
    ):
        for row, name in enumerate(names):
            mean, low, high = ranges[name]
            if mean != mean:
                where = (0, row + shift)
                axes.annotate(
                    "none", where, color=color, fontsize=5, va="center", xytext=(3, 0), textcoords="offset points"
                )
                continue
            alpha = 0.35 if name in faint else 1.0
            axes.plot([low, high], [row + shift] * 2, color=color, linewidth=1.1, alpha=alpha)
            axes.plot(mean, row + shift, "o", color=color, markerfacecolor=fill, markersize=4.5, alpha=alpha)
        axes.plot([], [], "o-", color=color, markerfacecolor=fill, markersize=4.5, label=labels[number])
    for row, name in enumerate(names):
        ends = [before[name][0], after[name][0]]
        axes.plot(ends, [row - APART, row + APART], color=FAINT, linewidth=1, zorder=0)
    for number, (name, limit) in enumerate((limits or {}).items()):
        row = names.index(name)
        label = None if number else "threshold"
        axes.plot([limit, limit], [row - 0.4, row + 0.4], color=LIMIT, linewidth=1.8, label=label)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.set_yticks(range(len(names)), names, fontsize=SMALL, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    lows = [low for ranges in (before, after) for _, low, _ in ranges.values() if low == low]
    axes.set_xlim(min([-0.02, *(low - 0.03 for low in lows if low < 0)]), 1.03)
    axes.set_xlabel(quantity, color=INK, fontsize=SMALL)
    # Names of files are long, so the legend may take the whole width.
    legend = axes.figure.legend(fontsize=SMALL - 1, frameon=False, loc="upper left", ncols=3, borderpad=0.2)
    for text in legend.get_texts():
        text.set_color(INK)
        text.set_parse_math(False)
    return axes
