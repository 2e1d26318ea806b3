"""What a method was called with, as far as it can be told from outside. Standard library only."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import partial
from inspect import Parameter
from typing import Any

from ..foundation.signatures import signature_of
from ..foundation.specs import Spec

Simple = bool | int | float | str | None


def parameters_of(method: object) -> dict[str, Simple]:
    """Return the parameters of a method by name: its keywords with their defaults, or the fields of a dataclass.

    Of a method of a library, what its spec says: the keywords, and the layer if one is named. Anything but numbers,
    words, booleans and None is given by its ``repr``, shortened.
    """
    spec = getattr(method, "spec", None)
    if isinstance(spec, Spec):
        layer = {"layer": spec.layer} if spec.layer else {}
        return layer | {name: _simple(value) for name, value in spec.keywords.items()}
    given: dict[str, Any] = {}
    while isinstance(method, partial):
        given = {**method.keywords, **given}
        method = method.func
    if is_dataclass(method) and not isinstance(method, type):
        given = {each.name: getattr(method, each.name) for each in fields(method) if each.init and each.repr} | given
    return {name: _simple(value) for name, value in (_defaults(method) | given).items()}


def _defaults(method: object) -> dict[str, Any]:
    signature = signature_of(method)
    parameters = signature.parameters.values() if signature else ()
    return {each.name: each.default for each in parameters if each.default is not Parameter.empty}


def _simple(value: object) -> Simple:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    try:
        return repr(value)[:100]
    except Exception:  # it is somebody else's
        return f"<{type(value).__name__}>"
