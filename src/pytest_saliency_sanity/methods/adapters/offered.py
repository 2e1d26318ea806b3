"""Finds the class of a library that a spec names. If there is one that no spec reaches, says how to call it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import isclass
from typing import Any

from ...foundation.errors import unknown_name
from ...foundation.specs import Spec

# What is known of a class that is not offered: nothing more than that.
UNFIT = "it is not made for a network, images and a class of each alone"


def classes_in(module: str, offered: Callable[[type], bool]) -> dict[str, Any]:
    """Return the classes of a module that are ``offered``, by name."""
    return {name: found for name, found in vars(import_module(module)).items() if isclass(found) and offered(found)}


def class_named(
    spec: Spec, classes: Mapping[str, Any], package: str, *, call: str, why: Callable[[type], str] = lambda _: UNFIT
) -> Any:
    """Return the class that a spec names, of those that are offered.

    ``call``: how maps are had from a class of the package that is not offered, with ``{cls}`` for it; ``why``: the
    reason why it is not. Raises ValueError: with both for such a class, with near matches for a name that does not
    exist.
    """
    name = str(spec.attribute)
    if name in classes:
        return classes[name]
    if found := anywhere(package, name):
        module, existing = found
        raise ValueError(not_offered(spec, module, why(existing), call))
    raise unknown_name(f"method of {spec.name}", name, sorted(classes))


def anywhere(package: str, name: str) -> tuple[str, type] | None:
    """Return the class of that name in a package, and the shortest of its modules that has it; None if none does."""
    modules = [each for each in sys.modules if each == package or each.startswith(f"{package}.")]
    for module in sorted(modules, key=lambda each: (each.count("._"), each.count("."), each)):
        found = vars(sys.modules[module]).get(name)
        if isclass(found) and found.__module__.partition(".")[0] == package:
            return module, found
    return None


def not_offered(spec: Spec, module: str, why: str, call: str) -> str:
    """Return that a class of a module exists, why no spec reaches it, and the callable that would."""
    return (
        f"{spec.path} exists, but can't be had by a spec: {why}. Call it in a function of your own:\n"
        f"    # mymethods.py\n"
        f"    from {module} import {spec.attribute}\n"
        f"    def mine(model, images, targets):\n"
        f"        {call.format(cls=spec.attribute)}\n"
        f"and give that: --saliency-method=mymethods:mine"
    )
