"""Figures as files and as parts of a page: the same bytes twice, valid XML, text that stays what it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.cascades import HOSTILE

from pytest_saliency_sanity.drawing import style
from pytest_saliency_sanity.drawing.style import (
    MISSING,
    SERIES,
    VARIABLES,
    as_png,
    as_svg,
    can_draw,
    inline,
    new_figure,
    require_matplotlib,
)

pytest.importorskip("matplotlib")

SVG = "{http://www.w3.org/2000/svg}"


def figure_with(text: str = "a", **how: Any) -> Any:
    figure, axes = new_figure(3, 2, left=0.5, bottom=0.4)
    axes.plot([0, 1], [0.123456, 0.5], color=SERIES, **how)
    axes.set_xlabel(text, parse_math=False)
    return figure


def element(text: str, label: str = "a label", prefix: str = "q0-") -> Any:
    """Return the SVG element that a page holds, parsed."""
    return ElementTree.fromstring(with_namespaces(inline(as_svg(figure_with(text)), label, prefix)))


def normal(text: str) -> str:
    """Return a text as XML can hold it, and with its white space as a page shows it."""
    return " ".join(text.replace("\x1b", "\ufffd").split())


def with_namespaces(svg: str) -> str:
    """Return an element of a page as XML: in HTML, the namespaces of SVG are known."""
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return svg.replace("<svg ", f"<svg {names} ", 1)


@pytest.mark.parametrize("render", [as_svg, as_png])
def test_the_same_figure_gives_the_same_bytes(render: Callable[[Any], object]) -> None:
    assert render(figure_with()) == render(figure_with())


def test_a_figure_is_no_state_of_pyplot() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    figure_with()
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("name", HOSTILE)
def test_an_svg_file_is_xml_and_has_the_text(name: str) -> None:
    found = ElementTree.fromstring(as_svg(figure_with(name)))
    shown = " ".join("".join(text.itertext()) for text in found.iter(f"{SVG}text"))
    assert normal(name) in normal(shown)


@pytest.mark.parametrize("name", HOSTILE)
def test_text_stays_what_it_was_in_a_page(name: str) -> None:
    shown = " ".join("".join(text.itertext()) for text in element(name).iter(f"{SVG}text"))
    assert normal(name) in normal(shown)


@pytest.mark.parametrize("label", HOSTILE)
def test_a_label_is_what_a_screen_reader_says(label: str) -> None:
    found = element("a", label)
    assert (found.get("role"), normal(found.get("aria-label"))) == ("img", normal(label))
    assert found.get("class") == "figure"


def test_ids_are_unique_in_a_page_and_referred_to() -> None:
    one, other = (inline(as_svg(figure_with()), "a", prefix) for prefix in ("q0-", "q1-"))
    ids = [re.findall(r' id="([^"]+)"', text) for text in (one, other)]
    assert not {*ids[0]} & {*ids[1]}
    for text, own in zip((one, other), ids, strict=True):
        assert len(own) == len({*own})
        assert {*re.findall(r'(?:href="#|url\(#)([^")]+)', text)} == {*own} != set()


def test_a_page_sets_the_colours_and_the_font() -> None:
    text = inline(as_svg(figure_with()), "a", "")
    assert f"var({VARIABLES[SERIES]})" in text
    assert not [color for color in VARIABLES if color in text]
    assert "font-family" not in text
    assert "fill: #ffffff" not in text


def test_an_element_has_no_size_of_its_own_and_loads_nothing() -> None:
    text = inline(as_svg(figure_with()), "a", "")
    assert text.startswith("<svg ")
    assert not re.search(r"<!DOCTYPE|<\?xml|<metadata|<!--|<script|<image|http", text)
    assert not re.search(r'<svg [^>]*(width|height)="', text)
    assert re.search(r'viewBox="[\d. ]+"', text)


def test_an_element_is_smaller_than_the_file() -> None:
    svg = as_svg(figure_with())
    assert len(inline(svg, "a", "")) < 0.8 * len(svg)


def test_a_file_keeps_its_own_colours_on_white() -> None:
    svg = as_svg(figure_with())
    assert SERIES in svg
    assert "fill: #ffffff" in svg
    assert "var(" not in svg


def test_no_version_and_date_are_in_a_file() -> None:
    import matplotlib

    for content in (as_svg(figure_with()).encode(), as_png(figure_with())):
        assert not re.search(rb"\d{4}-\d\d-\d\dT", content)
        assert f"Matplotlib v{matplotlib.__version__}".encode() not in content


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert can_draw()
    monkeypatch.setattr(style, "find_spec", lambda name: None)
    assert not can_draw()
    with pytest.raises(ImportError, match=re.escape(MISSING)):
        require_matplotlib()
    with pytest.raises(ImportError, match="pytest-saliency-sanity\\[report\\]"):
        new_figure(1, 1, left=0.1, bottom=0.1)


def test_the_page_knows_every_colour_in_both_schemes() -> None:
    import pytest_saliency_sanity.reports.page as page

    (folder,) = page.__path__
    sheet = (Path(folder) / "style.css").read_text(encoding="utf-8")
    light, dark = sheet.split("prefers-color-scheme: dark")
    for name in VARIABLES.values():
        assert f"{name}:" in light
        assert f"{name}:" in dark.partition("}\n}")[0]
