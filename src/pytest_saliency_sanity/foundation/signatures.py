"""The parameters of whatever a user gives."""

from __future__ import annotations

import inspect
import sys
from typing import Any


def signature_of(function: Any, *, decorated: bool = True) -> inspect.Signature | None:
    """Return the signature of whatever can be called; None if it can't be told.

    Annotations may name what is imported for type checkers only, so they are not looked at. ``decorated``: whether a
    function in a wrapper made with ``functools.wraps`` is asked, not the wrapper, which may give arguments itself.
    """
    how: dict[str, Any] = {"follow_wrapped": decorated}
    if sys.version_info >= (3, 14):  # before, annotations are evaluated when the function is defined
        import annotationlib

        how["annotation_format"] = annotationlib.Format.FORWARDREF
    try:
        return inspect.signature(function, **how)
    except (TypeError, ValueError):  # of some callables written in C, nothing is known
        return None


def misfit(function: Any, **keywords: Any) -> str:
    """Return why a function can't be called with these keywords alone; empty if it can, or if nothing is known."""
    signature = signature_of(function, decorated=False)
    try:
        if signature is not None:
            signature.bind(**keywords)
    except TypeError as error:
        return str(error)
    return ""
