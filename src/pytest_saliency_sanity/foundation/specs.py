"""What a user writes to name a method or a network, taken apart. Standard library only; nothing is imported or run.

gradcam                                  a name
smoothgrad?n_samples=50                  a name, with keywords
package.module:attribute                 an import path
captum:LayerGradCam:features.10          a class of a library, and the layer that it looks at
captum:IntegratedGradients?n_steps=20&baselines=-0.42
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMS = "name, package.module:attribute or library:Class[:layer], each with ?keyword=value&... behind it"
WORD = re.compile(r"[A-Za-z_][\w.-]*")


@dataclass(frozen=True)
class Spec:
    """A spec and its parts. ``attribute`` and ``layer`` are None where there are none."""

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
    Raises ValueError where the spec has another form, or a value is neither.
    """
    # It stands in node ids and in patterns, which give these characters a meaning of their own.
    if found := re.search(r"[\s/\[\]]|::", text):
        raise ValueError(f"{text!r} has {found[0]!r} in it, which no spec can have; write a list as a tuple: (1, 2)")
    body, question, keywords = text.partition("?")
    if question and not keywords:
        raise ValueError(f"{text!r} has no keyword after '?'")
    name, *rest = body.split(":")
    if len(rest) > 2 or not all(part and is_dotted(part) for part in (name, *rest[:1])) or rest[1:] == [""]:
        raise ValueError(f"{text!r} is not of the form {FORMS}")
    attribute, layer = (*rest, None, None)[:2]
    return Spec(text, name, attribute, layer, parse_keywords(keywords) if keywords else {})


def is_dotted(text: str) -> bool:
    """Return whether a text is made of identifiers joined by dots; a name may have hyphens, too."""
    return all(re.fullmatch(r"[^\W\d][\w-]*", part) for part in text.split("."))


def parse_keywords(text: str) -> dict[str, Any]:
    """Return the keywords of ``keyword=value&keyword=value``; ValueError where that is not its form."""
    keywords: dict[str, Any] = {}
    for pair in text.split("&"):
        keyword, separator, value = pair.partition("=")
        if not (separator and keyword.isidentifier() and value):
            raise ValueError(f"{pair!r} is not of the form keyword=value")
        if keyword in keywords:
            raise ValueError(f"the keyword {keyword!r} is given twice")
        keywords[keyword] = parse_value(value)
    return keywords


def parse_value(text: str) -> Any:
    """Return a Python literal, or a bare word as a string. Nothing is evaluated; ValueError for anything else."""
    if WORD.fullmatch(text) and text not in ("True", "False", "None"):
        return text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python would say of such code
            value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = ...
    if value is ...:
        raise ValueError(f"{text!r} is no value: give a literal like 20, 0.5, True, (3,8,8) or a word")
    return value
