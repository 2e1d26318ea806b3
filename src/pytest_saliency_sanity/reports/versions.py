"""The versions that a result rests on. Standard library only: nothing is imported to find them."""

from __future__ import annotations

import platform
from importlib import metadata

from ..foundation.specs import parse_spec
from ..methods.adapters import LIBRARIES
from ..methods.registry import BUILT_IN

ALWAYS = ("pytest-saliency-sanity", "torch", "numpy")


def versions_of(method: str) -> dict[str, str]:
    """Return the versions behind the answers of a method: Python's, this package's, those of torch and the library.

    ``method``: its spec, or the name that a project or a fixture gave it, of which nothing more is known.
    """
    found = {"python": platform.python_version()}
    for name in (*ALWAYS, library_of(method)):
        try:
            found |= {name: metadata.version(name)} if name else {}
        except metadata.PackageNotFoundError:
            continue  # a module of the project's own
    return found


def installed_twice(method: str) -> str:
    """Return that the library of a method is installed in several versions, and which is taken; empty if it is not."""
    name = library_of(method)
    found = {each.version for each in metadata.distributions(name=name)} if name else set()
    if len(found) < 2:
        return ""
    several = " and ".join(sorted(found))
    return f"{name} is installed in versions {several}: {metadata.version(name)} is taken, and may be mixed: keep one"


def library_of(method: str) -> str:
    """Return the distribution that a method comes from, or the top package of its import path; empty if unknown."""
    try:
        spec = parse_spec(method)
        spec = parse_spec(BUILT_IN.get(spec.name, method))
    except ValueError:
        return ""
    library = LIBRARIES.all().get(spec.name)
    if library:
        return library.extra
    package = spec.name.partition(".")[0]
    return package if spec.attribute and package != __name__.partition(".")[0] else ""
