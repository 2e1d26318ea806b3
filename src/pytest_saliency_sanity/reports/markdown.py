"""Text of users in Markdown: shown as it is, on one line, whatever it holds."""

from __future__ import annotations

import re
from html import escape

SPECIAL = re.compile(r"([\\`*_{}\[\]|~$])")


def escaped(text: object) -> str:
    """Return a text that Markdown shows as it is, also in a cell of a table."""
    return SPECIAL.sub(r"\\\1", escape(" ".join(str(text).split()), quote=False))


def code(text: str) -> str:
    """Return a text as code, on one line; empty if it is."""
    line = " ".join(text.split())
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " * (line.startswith("`") or line.endswith("`"))
    return line and f"{fence}{space}{line}{space}{fence}"
