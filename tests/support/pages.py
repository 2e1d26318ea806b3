"""An HTML page as a tree, read by the parser of the standard library, which executes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Elements without an end (HTML, section 13.1.2).
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# Attributes that load what they name, wherever they stand.
LOADING = ("src", "srcset", "href", "xlink:href", "action", "formaction", "poster", "data", "background", "ping")


@dataclass
class Element:
    """An element: its tag, its attributes, and what it holds, elements and texts."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, with single spaces."""
        return " ".join(" ".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for each in self.inside:
            if isinstance(each, str):
                yield each
            else:
                yield from each._texts()

    def all(self, tag: str = "", kind: str = "", **attributes: str) -> list[Element]:
        """Return the elements in it with a tag, a class and attributes, in order."""
        found = []
        for each in self.inside:
            if isinstance(each, Element):
                if (
                    tag in ("", each.tag)
                    and (not kind or kind in each.attributes.get("class", "").split())
                    and attributes.items() <= each.attributes.items()
                ):
                    found.append(each)
                found += each.all(tag, kind, **attributes)
        return found

    def one(self, tag: str = "", kind: str = "", **attributes: str) -> Element:
        """Return the only element in it with a tag, a class and attributes."""
        (found,) = self.all(tag, kind, **attributes)
        return found

    def first(self, tag: str = "", kind: str = "", **attributes: str) -> Element:
        """Return the first of such elements."""
        return self.all(tag, kind, **attributes)[0]


def parsed(html: str) -> Element:
    """Return a page as a tree. Raises ValueError if an element ends that did not begin, or the reverse."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    if len(parser.open) != 1:
        raise ValueError(f"{[each.tag for each in parser.open[1:]]} do not end")
    return parser.open[0]


def addresses(page: Element) -> list[tuple[str, str]]:
    """Return the tag and the address of whatever names something to load or to follow."""
    return [(each.tag, each.attributes[name]) for each in page.all() for name in LOADING if each.attributes.get(name)]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            element = self.open[-1].inside[-1]
            assert isinstance(element, Element)
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) != len(attrs):
            raise ValueError(f"{tag} has an attribute twice: {attrs}")
        self.open[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            raise ValueError(f"{tag} ends inside of {self.open[-1].tag}, line {self.getpos()[0]}")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)
