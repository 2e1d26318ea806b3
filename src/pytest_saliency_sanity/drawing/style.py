"""Colours, and figures that follow the light or dark scheme of the page they stand in.

The hues are those of Okabe and Ito (2008, "Color universal design"), which the colour-blind can tell apart.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

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
TAG = re.compile(r"<[^>]*>")  # of a file of matplotlib's, which escapes < and > in names
REFERENCE = re.compile(r'(?:href="#|url\(#)([^")]+)')
VIEW_BOX = re.compile(r'viewBox="([^"]*)"')
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # may not stand in XML, even escaped


def can_draw() -> bool:
    """Return whether matplotlib is installed. It is not imported."""
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Raise ImportError, with what to install, if matplotlib is missing."""
    if not can_draw():
        raise ImportError(MISSING)


def new_figure(width: float, height: float, *, left: float, bottom: float) -> tuple[Figure, Axes]:
    """Return an empty figure, ``width x height`` inches, and its axes. It is nobody's current figure.

    ``left``, ``bottom``: the room for labels, in inches. (Letting matplotlib find it takes three times as long.)
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    figure.subplots_adjust(left / width, bottom / height, 1 - 0.1 / width, 1 - 0.25 / height)
    style_axes(axes)
    return figure, axes


def length_of(text: str, size: float = SMALL) -> float:
    """Return roughly how long a text of a size in points is, in inches."""
    return 0.6 * size / 72 * len(text)


def style_axes(axes: Axes) -> None:
    """Give axes the plain look of this package: two spines, small type."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(colors=INK, labelsize=SMALL, length=3, color=FAINT)
    axes.yaxis.label.set_color(INK)
    axes.yaxis.label.set_fontsize(SMALL)


def limits_of(low: float, high: float) -> tuple[float, float]:
    """Return the limits of an axis that shows 0, 1 and everything from ``low`` to ``high``, with a margin."""
    low, high = min(0.0, low), max(1.0, high)
    margin = 0.03 * (high - low)
    return low - margin, high + margin


def as_svg(figure: Figure) -> str:
    """Return a figure as an SVG file, on white. Text stays text. The same figure gives the same bytes."""
    import matplotlib as mpl

    file = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _any_glyph(), mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "saliency"}):
        figure.savefig(file, format="svg", facecolor="white", metadata=metadata)
    return NO_XML.sub("\ufffd", file.getvalue())


def inline(svg: str, label: str, prefix: str) -> str:
    """Return an SVG file of ``as_svg`` as an element of a page, which follows the page's colours, and is half as large.

    ``label``: what it shows, for screen readers. ``prefix``: makes its ids unique among several in one page.
    """
    text = svg[svg.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    said = NO_XML.sub("\ufffd", label)
    start = f'<svg class="figure" role="img" aria-label="{escape(said)}" viewBox="{VIEW_BOX.findall(text)[0]}">'
    text = start + text.partition(">")[2]
    referred_to = {name for tag in TAG.findall(text) for name in REFERENCE.findall(tag)}
    text = TAG.sub(lambda found: _tag_of_page(found[0], prefix, referred_to), text)
    return re.sub(r">\s+<", "><", text)


def _tag_of_page(tag: str, prefix: str, referred_to: Collection[str]) -> str:
    """Return a tag of an SVG file as a page has it. What stands between tags are names, which stay as they are."""
    if tag.startswith("<svg"):
        return tag
    tag = re.sub(r"font-family: [^;\"]*; *", "", tag)  # the page's own
    tag = re.sub(r' transform="rotate\(-?0 [^"]*"', "", tag)
    tag = re.sub(r"(\d\.\d\d)\d+", r"\1", tag)
    tag = re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in referred_to else "", tag)
    tag = re.sub(r'( id="|href="#|url\(#)', rf"\g<1>{prefix}", tag)
    tag = tag.replace("fill: #ffffff", "fill: none").replace("xlink:href", "href")
    for color, variable in VARIABLES.items():
        tag = tag.replace(color, f"var({variable})")
    return re.sub(r"\s*\n\s*", " ", tag)


def as_png(figure: Figure) -> bytes:
    """Return a figure as PNG, on white. The same figure gives the same bytes."""
    file = io.BytesIO()
    with _any_glyph():
        figure.savefig(file, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return file.getvalue()


@contextmanager
def _any_glyph() -> Iterator[None]:
    """Draw names in any script without a warning, which may be an error: what the font lacks is drawn as a box."""
    with catch_warnings():
        simplefilter("ignore", UserWarning)
        yield
