"""Maps side by side, stage by stage or method by method (the paper, figures 3, 5 and 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...checks.judging.result import CheckResult
from ...checks.registry import SIMILARITY
from ...drawing.maps import COLORS, SCALING, colored, have_signs
from ...drawing.shown import given_axes, shown_figure
from ...drawing.style import FAINT, INK, SMALL
from ...measuring.maps import reduced
from ...measuring.pictures import pictures_of
from ...measuring.profile import SrcProfile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = torch.Tensor | np.ndarray
ROWS = 3
CELL, WIDEST = 0.85, 13.0  # inches
LONGEST = 13  # letters of a line of a column's title


@dataclass(frozen=True)
class Shown:
    """Maps to show, each ``(k, h, w)``, by name, in the order of ``names``, some of which may have none.

    ``pictures``: the images, ``(k, h, w, 1 or 3)``. ``values``: what is written below the maps of a name, ``(k,)``;
    ``quantity``: what these numbers are.
    """

    title: str
    names: tuple[str, ...]
    maps: Mapping[str, np.ndarray]
    pictures: np.ndarray | None = None
    values: Mapping[str, np.ndarray] = field(default_factory=dict)
    quantity: str = ""


def plot_maps(
    source: SrcProfile | CheckResult | Mapping[str, Array],
    images: Array | None = None,
    *,
    rows: int = ROWS,
    axes: Axes | Iterable[Axes] | None = None,
) -> np.ndarray:
    """Draw maps side by side; return the matplotlib axes ``(rows, columns)``: a row is an image, a column a stage.

    ``source``: a profile or a result, which keep the maps of the first three images under the first draw. Below each
    map stands what was measured of it. Or maps by name, such as those of several methods, ``{"gradcam": maps, ...}``,
    each ``(N, h, w)`` or ``(N, C, h, w)``, whose channels are summed. ``images``: what maps by name explain,
    ``(N, C, H, W)``; a profile and a result have their own. ``rows``: how many images at most. ``axes``: where to draw,
    by default a new figure.

    Each map is scaled by itself: the strongest colour is the 99th percentile of its magnitudes. If any of the maps has
    signs, red is positive and blue is negative in all of them; below a new figure it says so.

    Raises ImportError if matplotlib is missing, ValueError or TypeError if there are no maps or they do not fit
    together.
    """
    if rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows!r}")
    shown = _shown(source, images, rows)
    count = min(rows, *(len(maps) for maps in shown.maps.values()))
    columns = len(shown.names) + (shown.pictures is not None)
    if axes is not None:
        grid = given_axes(axes, (count, columns))
        _draw(grid, shown)
        return grid
    cell = min(CELL, WIDEST / columns)
    width = max(4.0, 0.3 + cell * columns)
    caption = fill(" ".join([_below(shown), SCALING, COLORS]).strip(), round(width * 17))
    lines = max(len(_title(name).splitlines()) for name in shown.names)
    around = 0.35 + 0.13 * (lines + caption.count("\n") + 1)
    row = cell * _highest(shown) + 0.2 * bool(shown.values)
    figure, grid = shown_figure(count, columns, width, around + row * count)
    _draw(grid, shown)
    figure.suptitle(shown.title, fontsize=SMALL + 1, color=INK, parse_math=False)
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=SMALL - 1, color=INK, parse_math=False)
    return grid


def _shown(source: object, images: Array | None, rows: int) -> Shown:
    if isinstance(source, Mapping):
        return _shown_by_name(source, images, rows)
    if not isinstance(source, SrcProfile | CheckResult):
        raise TypeError(f"source must be a profile, a result or maps by name, not {type(source).__name__}")
    if images is not None:
        raise ValueError("a profile and a result have their own images: leave out images")
    return _shown_of_profile(source) if isinstance(source, SrcProfile) else _shown_of_result(source)


def _shown_of_profile(profile: SrcProfile) -> Shown:
    if not profile.maps:
        raise ValueError(f"the profile of {profile.name} holds no maps; src_profile keeps them")
    unit = "SRC" if profile.compared_by == "src" else profile.compared_by
    values = {stage: profile.at(stage)[0] for stage in profile.stages}
    names = tuple(dict.fromkeys((*list(profile.maps)[:1], *profile.stages)))
    return Shown(profile.name, names, profile.maps, profile.pictures, values, unit)


def _shown_of_result(result: CheckResult) -> Shown:
    title = f"{result.method} on {result.model}: {result.check}"
    evidence = result.evidence
    if evidence is None or not evidence.maps:
        raise ValueError(f"the result of {title} holds no maps: its check keeps none, or it was read from a file")
    by_stage = next(iter(evidence.values.values()), {})
    measured = [point.stage for point in result.curve if point.stage in by_stage]
    names = tuple(dict.fromkeys((*list(evidence.maps)[:1], *measured, *evidence.maps)))
    values = {stage: table[0] for stage, table in by_stage.items() if stage in names}
    quantity = result.curve[0].quantity if result.curve else result.quantity
    return Shown(title, names, evidence.maps, evidence.pictures, values, "SRC" if quantity == SIMILARITY else quantity)


def _shown_by_name(source: Mapping[str, Array], images: Array | None, rows: int) -> Shown:
    if not source:
        raise ValueError("there are no maps to plot")
    given = {str(name): torch.as_tensor(maps).detach() for name, maps in source.items()}
    if images is not None:
        given |= {"": torch.as_tensor(images).detach()}
    for name, each in given.items():
        form = "(N, h, w) or (N, C, h, w)" if name else "(N, C, H, W)"
        if each.ndim not in ((3, 4) if name else (4,)) or not each.numel():
            raise ValueError(f"{f'maps of {name}' if name else 'images'} must be {form}, not {tuple(each.shape)}")
    if len(counts := {len(each) for each in given.values()}) > 1:
        raise ValueError(f"maps and images must be of equally many images, not of {sorted(counts)}")
    pictures = given.pop("", None)
    return Shown(
        "",
        tuple(given),
        {name: reduced(maps[:rows].float().cpu(), "signed").numpy() for name, maps in given.items()},
        None if pictures is None else np.concatenate([pictures_of(each[None]) for each in pictures[:rows]]),
    )


def _draw(grid: np.ndarray, shown: Shown) -> None:
    signed = have_signs(shown.maps)
    for image, line in enumerate(grid):
        cells = iter(line)
        if shown.pictures is not None:
            picture = shown.pictures[image]
            _draw_cell(next(cells), np.broadcast_to(picture, (*picture.shape[:2], 3)), "" if image else "the image")
        for cell, name in zip(cells, shown.names, strict=True):
            pixels = colored(shown.maps[name][image], signed=signed) if name in shown.maps else None
            _draw_cell(cell, pixels, "" if image else _title(name))
            if name in shown.values:
                value = shown.values[name][image]
                text = f"{value:z.2f}" if value == value else "undefined"
                cell.set_xlabel(text, fontsize=SMALL - 1, color=INK, labelpad=2)


def _draw_cell(cell: Axes, pixels: np.ndarray | None, title: str) -> None:
    if pixels is None:  # that of a dead model
        cell.text(0.5, 0.5, "no map", fontsize=SMALL - 1, color=FAINT, ha="center", transform=cell.transAxes)
    else:
        cell.imshow(pixels, interpolation="nearest")
    cell.set_xticks([])
    cell.set_yticks([])
    cell.spines[:].set_visible(False)
    if title:
        cell.set_title(title, fontsize=SMALL - 1, color=INK, parse_math=False)


def _highest(shown: Shown) -> float:
    """Return the height of the cells, if their width is 1."""
    forms = [maps.shape[1:] for maps in shown.maps.values()]
    forms += [] if shown.pictures is None else [shown.pictures.shape[1:3]]
    return float(max(min(height / width, 3.0) for height, width in forms))


def _title(name: str) -> str:
    return fill(name, LONGEST)


def _below(shown: Shown) -> str:
    if not shown.values:
        return ""
    compared = " with the first map" if shown.quantity == "SRC" else ""
    return f"Below each map: its {shown.quantity}{compared}."
