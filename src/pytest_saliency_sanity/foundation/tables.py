"""Tables: as HTML for a notebook, as text, and as pandas' DataFrame. pandas is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

MISSING = "pandas is not installed, so there is no DataFrame: pip install pandas"


@dataclass(frozen=True)
class Table:
    """A heading, rows of as many cells, and a caption, which may be empty."""

    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""

    @property
    def html(self) -> str:
        """The table as HTML. Whatever is in it is text: nothing that looks like HTML is markup."""
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in self.heading)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in self.rows)
        return f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"

    @property
    def text(self) -> str:
        """The table as lines of aligned columns."""
        lines = [self.heading, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        aligned = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
        return "\n".join([*filter(None, [self.caption]), *aligned])


def data_frame(columns: Mapping[str, Any]) -> DataFrame:
    """Return columns of equal length as a DataFrame. Raises ImportError, with what to install, without pandas."""
    if find_spec("pandas") is None:
        raise ImportError(MISSING)
    from pandas import DataFrame

    return DataFrame(dict(columns))
