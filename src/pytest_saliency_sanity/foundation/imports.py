"""Imports objects by their path, ``package.module:attribute``. Standard library only."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def import_attribute(path: str) -> Any:
    """Return the object that ``package.module:attribute`` names (the attribute may be dotted).

    Raises ValueError if the path has another form, ImportError if the module or the attribute does not exist.
    """
    module_name, separator, attribute = path.partition(":")
    if not (module_name and separator and attribute):
        raise ValueError(f"{path!r} is not of the form 'package.module:attribute'")
    target: Any = import_module(module_name)
    for name in attribute.split("."):
        try:
            target = getattr(target, name)
        except AttributeError as error:
            raise ImportError(f"module {module_name!r} has no attribute {attribute!r}") from error
    return target
