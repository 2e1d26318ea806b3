"""Writes what was measured into a page of docs, between two marks; what stands outside them is written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
END = "<!-- end of what was measured -->"


def mark(name: str) -> str:
    """Return the mark before what was measured under a name."""
    return f"<!-- measured: {name} -->"


def rewrite(page: Path, name: str, lines: Iterable[str]) -> None:
    """Put lines between the marks of a page, which is made if it is missing."""
    # Before the page is read: what is measured for an hour must not undo what is edited meanwhile.
    text = "\n".join(lines)
    before = page.read_text() if page.exists() else f"# {page.stem.replace('-', ' ').capitalize()}\n\n"
    page.write_text(rewritten(before, name, text))


def rewritten(page: str, name: str, text: str) -> str:
    """Return a page with ``text`` between the marks of ``name``, at its end if it has none."""
    before, _, rest = page.partition(mark(name))
    after = rest.partition(END)[2] or "\n"
    return f"{before}{mark(name)}\n{text}\n{END}{after}"
