"""A quantity over the stages of a cascade, with its intervals (the paper, figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .style import CHANCE, FAINT, INK, LIMIT, SECOND, SERIES, SMALL, limits_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Range = tuple[float, float, float]  # mean, low, high
# Names at lines that end closer to each other would cover each other, so they stand together, a few of them.
NEXT_TO, MOST_NAMES = 0.08, 3
KINDS = ((SERIES, "o"), (SECOND, "s"), (CHANCE, "^"), (LIMIT, "D"))  # colour and mark


@dataclass(frozen=True)
class Curve:
    """The means and bounds of a quantity by stage, in the order of the cascade. NaN if nothing is defined.

    ``limits``: the thresholds of the stages that are judged.
    """

    ranges: Mapping[str, Range]
    limits: Mapping[str, float] = field(default_factory=dict)


def draw_curve(
    axes: Axes,
    curve: Curve,
    *,
    label: str,
    magnitudes: Mapping[str, Range] | None = None,
    others: Mapping[str, Mapping[str, Range]] | None = None,
    chance: float | None = None,
    quantity: str = "similarity",
    kind: int = 0,
) -> Axes:
    """Draw a curve with its band, and thresholds at the stages that are judged.

    ``magnitudes``: a second curve. ``others``: curves to compare it with, by name, as thin lines. ``chance``: what a
    random map scores. ``kind``: curves of different kinds in the same axes have different colours and marks. Where
    nothing is defined, it says so.
    """
    stages = list(curve.ranges)
    _draw_others(axes, stages, others or {})
    if chance is not None:
        axes.axhline(chance, color=CHANCE, linewidth=1, linestyle=":", label="a random map")
    if magnitudes:
        _band(axes, stages, magnitudes, SECOND, "by magnitude", dashed=True)
    color, marker = KINDS[kind % len(KINDS)]
    _band(axes, stages, curve.ranges, color, label, marker=marker)
    for at, (mean, _, _) in enumerate(curve.ranges.values()):
        if mean != mean:
            axes.annotate(
                "none defined", (at, 0.02), color=color, fontsize=SMALL - 1, rotation=90, ha="center", va="bottom"
            )
    for number, (stage, limit) in enumerate(curve.limits.items()):
        at = stages.index(stage)
        axes.plot(
            [at - 0.4, at + 0.4], [limit, limit], color=LIMIT, linewidth=2.2, label="threshold" if not number else None
        )
    axes.set_xlim(-0.5, len(stages) - 0.5)
    axes.set_ylim(*limits_of(*axes.dataLim.intervaly))
    axes.set_xticks(
        range(len(stages)),
        stages,
        rotation=35,
        ha="right",
        rotation_mode="anchor",
        fontsize=SMALL - 1,
        parse_math=False,
    )
    axes.set_ylabel(quantity, parse_math=False)
    if axes.get_legend_handles_labels()[0]:
        _add_legend(axes)
    return axes


def _draw_others(axes: Axes, stages: Sequence[str], others: Mapping[str, Mapping[str, Range]]) -> None:
    """Draw thin lines with their names at the end, those of lines that end next to each other together."""
    ends: dict[tuple[int, float], list[str]] = {}
    for name, ranges in others.items():
        means = [ranges[stage][0] if stage in ranges else float("nan") for stage in stages]
        axes.plot(range(len(stages)), means, color=FAINT, linewidth=0.9, linestyle="--")
        known = [at for at, mean in enumerate(means) if mean == mean]
        if known:
            end = known[-1], means[known[-1]]
            near = (other for other in ends if other[0] == end[0] and abs(other[1] - end[1]) < NEXT_TO)
            ends.setdefault(next(near, end), []).append(name)
    for (at, mean), names in ends.items():
        above = mean < 0.9  # on the right of a line and above 1, the axes end
        axes.annotate(
            ", ".join(names[:MOST_NAMES]) + f" and {len(names) - MOST_NAMES} more" * (len(names) > MOST_NAMES),
            (at, mean),
            color=FAINT,
            fontsize=SMALL - 1,
            xytext=(0, 3 if above else -3),
            ha="right",
            va="bottom" if above else "top",
            textcoords="offset points",
            parse_math=False,
        )


def _add_legend(axes: Axes) -> None:
    legend = axes.legend(
        fontsize=SMALL - 1, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderpad=0
    )
    for text in legend.get_texts():
        text.set_color(INK)
        text.set_parse_math(False)  # names are no formulas


def draw_chance(axes: Axes, chance: float, *, kind: int) -> None:
    """Draw what a random map scores beside a curve of a kind, in its colour: maps of other sizes score otherwise."""
    color, _ = KINDS[kind % len(KINDS)]
    axes.axhline(chance, color=color, linewidth=1, linestyle=":")
    axes.annotate(
        "a random map",
        (0.01, chance),
        xycoords=("axes fraction", "data"),
        color=color,
        fontsize=SMALL - 1,
        xytext=(0, 2),
        textcoords="offset points",
    )


def _band(
    axes: Axes,
    stages: Sequence[str],
    ranges: Mapping[str, Range],
    color: str,
    label: str,
    *,
    dashed: bool = False,
    marker: str = "o",
) -> None:
    undefined = (float("nan"),) * 3
    mean, low, high = zip(*(ranges.get(stage, undefined) for stage in stages), strict=True)
    at = list(range(len(stages)))
    axes.plot(
        at,
        mean,
        color=color,
        linewidth=1.6,
        linestyle="--" if dashed else "-",
        marker=marker,
        markersize=3.5,
        label=label,
    )
    # Bars, too: a band shows nothing at a stage between two undefined ones.
    axes.vlines(at, low, high, color=color, linewidth=1, alpha=0.5)
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
