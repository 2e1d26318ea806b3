"""Figures: grids of maps, means with their ranges, curves over stages. matplotlib without its global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pytest_saliency_sanity.measuring.interval import Interval

CELL = 1.3  # inches
HIGHEST = 99.0  # percentile of a map that is white: a few extreme pixels must not darken all others (Smilkov 2017, 3.1)


class Picture(NamedTuple):
    """One cell of a grid: a map ``(h, w)`` of magnitudes, or an image ``(h, w, 3)`` with values from 0 to 1."""

    values: np.ndarray
    title: str = ""
    over: np.ndarray | None = None


def grid_of_maps(rows: Mapping[str, Sequence[Picture]], file: Path, *, title: str = "") -> Path:
    """Draw pictures in labelled rows and write them to ``file`` (PNG); return it."""
    columns = max(len(pictures) for pictures in rows.values())
    height = max(each.values.shape[0] / each.values.shape[1] for pictures in rows.values() for each in pictures)
    figure = _figure(columns * CELL + 1.2, len(rows) * (CELL * height + 0.25) + 0.4)
    cells = figure.subplots(len(rows), columns, squeeze=False)
    for line, (label, pictures) in zip(cells, rows.items(), strict=True):
        for cell in line:
            cell.set_axis_off()
        for cell, picture in zip(line, pictures, strict=False):
            _show(cell, picture)
        line[0].text(-0.08, 0.5, label, transform=line[0].transAxes, ha="right", va="center", fontsize=8)
    return _written(figure, file, title)


def bars(groups: Mapping[str, Mapping[str, Interval]], file: Path, *, title: str, ylabel: str = "mean SRC") -> Path:
    """Draw means with their intervals, in groups of bars of the same names, and write them to ``file`` (PNG)."""
    figure = _figure(6.0, 3.2)
    axes = figure.subplots()
    names = list(next(iter(groups.values())))
    width = 0.8 / len(names)
    for row, name in enumerate(names):
        found = [group[name] for group in groups.values()]
        at = np.arange(len(groups)) + (row - (len(names) - 1) / 2) * width
        means = [each.mean for each in found]
        errors = [[each.mean - each.low for each in found], [each.high - each.mean for each in found]]
        axes.bar(at, means, width * 0.9, yerr=errors, capsize=3, label=name)
    axes.set_xticks(np.arange(len(groups)), list(groups), fontsize=8)
    return _with_axes(axes, figure, file, title, ylabel)


def curves(lines: Mapping[str, Mapping[str, Interval]], file: Path, *, title: str, ylabel: str = "mean SRC") -> Path:
    """Draw a curve with its band for each name, over the stages that all have, and write them to ``file`` (PNG)."""
    stages = list(next(iter(lines.values())))
    figure = _figure(max(5.0, 0.45 * len(stages) + 2), 3.6)
    axes = figure.subplots()
    for name, line in lines.items():
        low, mean, high = ([getattr(line[stage], bound) for stage in stages] for bound in ("low", "mean", "high"))
        axes.plot(range(len(stages)), mean, marker="o", markersize=3, label=name)
        axes.fill_between(range(len(stages)), low, high, alpha=0.2)
    axes.set_xticks(range(len(stages)), stages, rotation=45, ha="right", fontsize=7)
    return _with_axes(axes, figure, file, title, ylabel)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _show(cell: Axes, picture: Picture) -> None:
    if picture.values.ndim == 3:
        cell.imshow(picture.values)
    elif picture.over is not None:
        height, width = picture.over.shape[:2]
        cell.imshow(picture.over, extent=(0, width, height, 0))
        cell.imshow(
            picture.values,
            extent=(0, width, height, 0),
            cmap="jet",
            alpha=0.5,
            vmin=0,
            vmax=_white(picture.values),
            interpolation="bilinear",
        )
    else:
        cell.imshow(picture.values, cmap="gray", vmin=0, vmax=_white(picture.values), interpolation="nearest")
    cell.set_title(picture.title, fontsize=6)


def _white(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return (float(np.percentile(finite, HIGHEST)) or float(finite.max())) if finite.any() else 1.0


def _with_axes(axes: Axes, figure: Figure, file: Path, title: str, ylabel: str) -> Path:
    axes.axhline(0, color="black", linewidth=0.6)
    axes.set_ylabel(ylabel, fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.legend(fontsize=7, loc="best")
    return _written(figure, file, title)


def _written(figure: Figure, file: Path, title: str) -> Path:
    if title:
        figure.suptitle(title, fontsize=9)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, format="png", metadata={"Software": None})
    return file
