"""Tables: nothing in them is markup, and without pandas there is no DataFrame."""

from __future__ import annotations

import sys
from html.parser import HTMLParser

import pytest
from support.cascades import HOSTILE

from pytest_saliency_sanity.foundation.tables import Table, data_frame


class Parsed(HTMLParser):
    """What a browser makes of HTML: its elements, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_table_is_the_same_as_text_and_as_html() -> None:
    table = Table(("stage", "mean"), [("fc", "0.5"), ("a longer name", "")], "what it is")
    assert table.text == "what it is\nstage          mean\nfc             0.5\na longer name"
    texts = [each for each in Parsed(table.html).texts if each.strip()]
    assert texts == ["what it is", "stage", "mean", "fc", "0.5", "a longer name"]


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_is_in_a_table_is_text(name: str) -> None:
    parsed = Parsed(Table([name], [[name]], name).html)
    assert parsed.elements == {"table", "caption", "thead", "tr", "th", "tbody", "td"}
    assert parsed.attributes == {"scope"}
    assert parsed.texts.count(name) == 3


def test_a_table_without_rows_and_caption_is_its_heading() -> None:
    assert Table(("a", "b"), []).text == "a  b"
    assert "caption" not in Table(("a",), []).html


def test_a_frame_has_the_columns() -> None:
    frame = data_frame({"a": [1, 2], "b": "all"})
    assert frame.to_dict("list") == {"a": [1, 2], "b": ["all", "all"]}


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        data_frame({"a": [1]})
