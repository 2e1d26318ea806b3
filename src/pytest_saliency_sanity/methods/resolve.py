"""From what a user writes to a method. Names are checked without importing torch."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import unknown_name
from ..imports import import_attribute

if TYPE_CHECKING:
    from .protocol import SaliencyMethod

REFERENCE = {
    "gradcam": "pytest_saliency_sanity.methods.gradcam:gradcam",
    "smoothgrad": "pytest_saliency_sanity.methods.smoothgrad:smoothgrad",
    "gradient": "pytest_saliency_sanity.methods.gradient:gradient",
}
CONTROLS = {
    "sobel": "pytest_saliency_sanity.methods.controls:sobel",
    "input": "pytest_saliency_sanity.methods.controls:image_itself",
    "uniform_noise": "pytest_saliency_sanity.methods.controls:uniform_noise",
}
ADAPTED = {
    "guided_backprop": "pytest_saliency_sanity.methods.adapters.captum:guided_backprop",
}
BUILT_IN = REFERENCE | CONTROLS | ADAPTED
# What an adapted method is made with: the package to import, and so the extra to install.
NEEDS = {"guided_backprop": "captum"}


def installed_methods() -> list[str]:
    """Return the names of the built-in methods that can be used here."""
    return [name for name in BUILT_IN if name not in NEEDS or find_spec(NEEDS[name])]


def check_method_spec(spec: str) -> None:
    """Raise ValueError for a spec that names no method, ImportError for one whose package is missing.

    Nothing is imported, so an import path is only looked at for its form.
    """
    if ":" in spec:
        module, _, attribute = spec.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
            raise ValueError(f"{spec!r} is no method: an import path has the form 'package.module:function'")
    elif spec not in BUILT_IN:
        raise unknown_name("method", spec, [*BUILT_IN, "package.module:function"])
    elif spec not in installed_methods():
        raise ImportError(f"{spec} needs {NEEDS[spec]}: pip install 'pytest-saliency-sanity[{NEEDS[spec]}]'")


def resolve_method(spec: str) -> SaliencyMethod:
    """Return the method that a spec names: a built-in, or the import path ``package.module:function`` of one's own.

    Raises ValueError for an unknown name, ImportError where a package, module or function is missing, TypeError where
    the path leads to something that can't be called.
    """
    check_method_spec(spec)
    method = import_attribute(BUILT_IN.get(spec, spec))
    if not callable(method):
        raise TypeError(f"{spec} names {method!r}, which is no callable (model, images, targets) -> maps")
    return method  # type: ignore[no-any-return]
