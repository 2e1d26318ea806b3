"""The names of all methods, and where each name comes from. Standard library only; no method is imported.

A name comes from this package, from the entry-point group ``saliency_sanity.methods`` of any installed package, or
from a project's hook ``pytest_saliency_methods``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..foundation.errors import unknown_name
from ..foundation.registry import installed_points
from ..foundation.specs import is_dotted

GROUP = "saliency_sanity.methods"
_MODULE = "pytest_saliency_sanity.methods"

REFERENCE = {
    "gradcam": f"{_MODULE}.gradcam:gradcam",
    "smoothgrad": f"{_MODULE}.smoothgrad:smoothgrad",
    "gradient": f"{_MODULE}.gradient:gradient",
}
CONTROLS = {
    "sobel": f"{_MODULE}.controls:sobel",
    "input": f"{_MODULE}.controls:image_itself",
    "uniform_noise": f"{_MODULE}.controls:uniform_noise",
    "borrowed_signs": f"{_MODULE}.controls:borrowed_signs",
}
ADAPTED = {
    "guided_backprop": "captum:GuidedBackprop",
}
BUILT_IN = REFERENCE | CONTROLS | ADAPTED


@dataclass(frozen=True)
class NamedMethod:
    """A name, what it stands for (a spec, a callable or a class), and who registered it."""

    name: str
    value: str | Callable[..., Any]
    source: str


_given: list[NamedMethod] = []


def set_given(methods: Sequence[NamedMethod]) -> Sequence[NamedMethod]:
    """Replace the methods that a project's hooks gave; return the previous ones."""
    before = list(_given)
    _given[:] = methods
    return before


def given_methods() -> Sequence[NamedMethod]:
    """Return the methods that a project's hooks gave."""
    return tuple(_given)


def known_methods() -> dict[str, list[NamedMethod]]:
    """Return, by name, all methods of that name: a project's own, then entry points, then built-in ones."""
    found: dict[str, list[NamedMethod]] = defaultdict(list)
    for method in (*_given, *_installed(), *(NamedMethod(name, spec, "built in") for name, spec in BUILT_IN.items())):
        found[method.name].append(method)
    return found


def named_method(name: str) -> NamedMethod:
    """Return the method of a name. Raises ValueError if the name is unknown or registered twice."""
    known = known_methods()
    if name not in known:
        raise unknown_name("method", name, [*known, "package.module:attribute", "library:Class"])
    first, *others = known[name]
    if others:
        raise ValueError(f"the method {name!r} is given twice, by {first.source} and by {_sources(others)}: rename one")
    return first


def _installed() -> list[NamedMethod]:
    """Return the methods of all entry points; duplicates on the path count once."""
    return [
        NamedMethod(point.name, point.value, f"the entry point of {point.dist.name if point.dist else point.value}")
        for point in installed_points(GROUP, tuple(sys.path))
        if is_dotted(point.name)  # no spec could name any other
    ]


def _sources(methods: Sequence[NamedMethod]) -> str:
    return " and by ".join(method.source for method in methods)
