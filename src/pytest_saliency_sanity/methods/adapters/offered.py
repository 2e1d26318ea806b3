"""Finds the class of a library that a spec names. If there is one that no spec reaches, says how to call it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import isclass
from typing import Any

from ...foundation.errors import unknown_name
from ...foundation.specs import Spec

Calls = Mapping[str, Sequence[str]]  # by the name of a class, the lines that import and call what it needs
LAST_LAYER = "layer = [each for each in model.modules() if isinstance(each, torch.nn.Conv2d)][-1]"
# What is known of a class that is not offered: nothing more than that.
UNFIT = "it is not made for a network, images and a class of each alone"


def classes_in(module: str, offered: Callable[[type], bool]) -> dict[str, Any]:
    """Return the classes of a module that are ``offered``, by name."""
    return {name: found for name, found in vars(import_module(module)).items() if isclass(found) and offered(found)}


def class_named(
    spec: Spec, classes: Mapping[str, Any], package: str, calls: Calls, why: Callable[[type], str] = lambda _: UNFIT
) -> Any:
    """Return the class that a spec names, of those that are offered.

    ``calls``: how maps are had from classes of the package that are not offered; ``why``: the reason why one is not.
    Raises ValueError: with both for such a class, with near matches for a name that does not exist.
    """
    name = str(spec.attribute)
    if name in classes:
        return classes[name]
    if found := anywhere(package, name):
        module, existing = found
        raise ValueError(not_offered(spec, module, why(existing), calls.get(name, ())))
    raise unknown_name(f"method of {spec.name}", name, sorted(classes))


def anywhere(package: str, name: str) -> tuple[str, type] | None:
    """Return the class of that name in a package, and the shortest of its modules that has it; None if none does."""
    modules = [each for each in sys.modules if each == package or each.startswith(f"{package}.")]
    for module in sorted(modules, key=lambda each: (each.count("._"), each.count("."), each)):
        found = vars(sys.modules[module]).get(name)
        if isclass(found) and found.__module__.partition(".")[0] == package:
            return module, found
    return None


def not_offered(spec: Spec, module: str, why: str, call: Sequence[str]) -> str:
    """Return that a class of a module exists, why no spec reaches it, and the callable that would."""
    told = f"{spec.path} exists, but can't be had by a spec: {why}"
    if not call:
        return (
            f"{told}. If it gives maps, write a function (model, images, targets) -> maps that calls it, and give that"
        )
    imports = [line for line in call if line.startswith(("import ", "from "))]
    body = [line for line in call if line not in imports]
    code = [
        "# mymethods.py",
        *imports,
        f"from {module} import {spec.attribute}",
        "def mine(model, images, targets):",
        *(f"    {line}" for line in body),
    ]
    lines = "\n".join(f"    {line}" for line in code)
    return f"{told}. Call it in a function of your own:\n{lines}\nand give that: --saliency-method=mymethods:mine"
