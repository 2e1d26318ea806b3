"""Colours, and figures that follow the light or dark scheme of the page they stand in.

The hues are those of Okabe and Ito (2008, "Color universal design"), which the colour-blind can tell apart.
"""

from __future__ import annotations

import io
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MISSING = "matplotlib is not installed, so nothing is drawn: pip install 'pytest-saliency-sanity[report]'"
INK, FAINT, SERIES, SECOND, LIMIT, CHANCE = "#1b1b1f", "#85858f", "#0072b2", "#b35c93", "#d55e00", "#009e73"
# The names of these colours in a page's style sheet.
VARIABLES = {
    INK: "--ink",
    FAINT: "--faint",
    SERIES: "--series",
    SECOND: "--second",
    LIMIT: "--limit",
    CHANCE: "--chance",
}
SMALL = 8  # points


def can_draw() -> bool:
    """Return whether matplotlib is installed. It is not imported."""
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Raise ImportError, with what to install, if matplotlib is missing."""
    if not can_draw():
        raise ImportError(MISSING)


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty figure, ``width x height`` inches, and its axes. It is nobody's current figure."""
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    style_axes(axes)
    return figure, axes


def style_axes(axes: Axes) -> None:
    """Give axes the plain look of this package: two spines, small type."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=SMALL, length=3, color=FAINT)
    axes.yaxis.label.set_color(INK)
    axes.yaxis.label.set_fontsize(SMALL)


def as_svg(figure: Figure, prefix: str = "") -> str:
    """Return a figure as an SVG element, whose colours a page can set by the variables of ``VARIABLES``.

    ``prefix``: makes its ids unique among several in one page. Text stays text. The same figure gives the same bytes.
    """
    import matplotlib as mpl

    file = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "saliency"}):
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", text)
    for color, variable in VARIABLES.items():
        text = text.replace(color, f"var({variable}, {color})")
    return re.sub(r"\s*\n\s*", "\n", text)


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG, on white. The same figure gives the same bytes."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return file.getvalue()
