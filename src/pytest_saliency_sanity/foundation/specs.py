"""Parses specs, the text by which a user names a method or a network. Standard library only; imports and runs nothing.

gradcam                                  a name
smoothgrad?n_samples=50                  a name, with keywords
package.module:attribute                 an import path
captum:LayerGradCam:features.10          a class of a library, and the layer that it explains
captum:IntegratedGradients?n_steps=20&baselines=-0.42
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import quoted

FORMS = "name, package.module:attribute or library:Class[:layer], each optionally followed by ?keyword=value&..."
WORD = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(frozen=True)
class Spec:
    """A spec and its parts. ``attribute`` and ``layer`` are None if the spec has none."""

    text: str
    name: str
    attribute: str | None = None
    layer: str | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The name, or the import path ``package.module:attribute``."""
        return self.name if self.attribute is None else f"{self.name}:{self.attribute}"


def parse_spec(text: str) -> Spec:
    """Return the parts of a spec.

    Keyword values are Python literals, or bare words, which are strings: ``?n_steps=20&method=riemann_trapezoid``.
    Raises ValueError if the spec has another form or a value is neither of these.
    """
    # Specs appear in node ids and patterns, in which these characters have a special meaning.
    if found := re.search(r"[\s/\[\]]|::", text):
        instead = "write a list as a tuple: (1,2)"
        if found[0] == "/":
            instead = "name a function that knows the path"
        raise ValueError(f"{quoted(text)} contains {found[0]!r}, which no spec may contain; {instead}")
    body, question, keywords = text.partition("?")
    if question and not keywords:
        raise ValueError(f"{quoted(text)} has no keyword after '?'")
    name, *rest = body.split(":")
    if len(rest) > 2 or not all(part and is_dotted(part) for part in (name, *rest[:1])) or rest[1:] == [""]:
        raise ValueError(f"{quoted(text)} is not of the form {FORMS}")
    attribute, layer = (*rest, None, None)[:2]
    return Spec(text, name, attribute, layer, parse_keywords(keywords) if keywords else {})


def is_dotted(text: str) -> bool:
    """Return whether a text consists of names joined by dots; names can have hyphens too."""
    return all(re.fullmatch(r"[^\W\d][\w-]*", part) for part in text.split("."))


def parse_keywords(text: str) -> dict[str, Any]:
    """Return the keywords of ``keyword=value&keyword=value``. Raises ValueError if the text has another form."""
    keywords: dict[str, Any] = {}
    for pair in text.split("&"):
        keyword, separator, value = pair.partition("=")
        if not (separator and keyword.isidentifier() and value):
            raise ValueError(f"{quoted(pair)} is not of the form keyword=value")
        if keyword in keywords:
            raise ValueError(f"the keyword {quoted(keyword)} is given twice")
        keywords[keyword] = parse_value(value)
    return keywords


def parse_value(text: str) -> Any:
    """Return the value of a Python literal, or a bare word as a string. Raises ValueError for anything else."""
    if WORD.fullmatch(text) and text not in ("True", "False", "None"):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own warnings about such code
            value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ...
    if value is ...:
        raise ValueError(f"{quoted(text)} is not a value: give a word or a literal like 20, 0.5, True or (3,8,8)")
    return value
