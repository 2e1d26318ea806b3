"""Turns a user's spec into a saliency method. Specs are validated without importing torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from inspect import Parameter, isclass
from typing import TYPE_CHECKING, Any

from ..foundation.errors import LONGEST_WORD, quoted, shortened, unknown_name
from ..foundation.imports import import_attribute
from ..foundation.signatures import signature_of
from ..foundation.specs import Spec, parse_spec
from .adapters import LIBRARIES, missing
from .registry import BUILT_IN, named_method

if TYPE_CHECKING:
    from .protocol import SaliencyMethod


def installed_methods() -> list[str]:
    """Return the names of the built-in methods whose libraries are installed."""
    return [name for name in BUILT_IN if is_installed(parse_spec(BUILT_IN[name]))]


def is_installed(spec: Spec) -> bool:
    """Return whether the library that a spec needs, if any, is installed."""
    library = LIBRARIES.all().get(spec.name)
    return library is None or library.is_installed


def require_method_spec(text: str, _seen: tuple[str, ...] = ()) -> None:
    """Raise ValueError if a spec names no method, ImportError if its library is missing.

    Nothing is imported, so only the form of an import path is checked.
    """
    spec = parse_spec(text)
    if spec.attribute is None:
        named = named_method(spec.name)
        if spec.name in _seen:
            raise ValueError(f"the method {spec.name!r} of {named.source} refers to itself")
        if isinstance(named.value, str):
            require_method_spec(named.value, (*_seen, spec.name))
    elif not is_installed(spec):
        raise ImportError(missing(shortened(_seen[0] if _seen else text, LONGEST_WORD), LIBRARIES.named(spec.name)))
    elif spec.layer and spec.name not in LIBRARIES.all():
        raise ValueError(
            f"{quoted(text)}: only a library's class can have a layer after it ({', '.join(LIBRARIES.all())})"
        )


def resolve_method(spec: str) -> SaliencyMethod:
    """Return the method that a spec names.

    ``spec``: a name (built in, from the hook ``pytest_saliency_methods``, or an entry point of
    ``saliency_sanity.methods``); ``package.module:attribute``, which leads to a function, an instance, or a class to
    instantiate; or a class of a library: ``captum:IntegratedGradients?n_steps=20``, ``grad_cam:GradCAMPlusPlus``,
    ``torchcam:LayerCAM:features.10``, ``zennit:EpsilonPlusFlat``. Keyword values are literals. They go to the class if
    there is one, else to every call.

    Raises ValueError if a name is unknown or registered twice, or if keywords or a layer do not fit; ImportError if a
    package, module or attribute is missing; TypeError if the object is not callable.
    """
    require_method_spec(spec)
    return _resolve(parse_spec(spec))


def _resolve(spec: Spec) -> SaliencyMethod:
    if spec.attribute is None:
        value = named_method(spec.name).value
        if not isinstance(value, str):
            return _instantiate(value, spec)
        meant = parse_spec(value)
        shown = spec.text if spec.name in BUILT_IN else meant.text  # this package's own paths mean nothing to users
        return _resolve(replace(meant, text=shown, keywords={**meant.keywords, **spec.keywords}))
    if spec.name in LIBRARIES.all():
        make = import_attribute(LIBRARIES.named(spec.name).adapter)
        return make(spec)  # type: ignore[no-any-return]
    return _instantiate(import_attribute(spec.path), spec)


def _instantiate(found: Any, spec: Spec) -> SaliencyMethod:
    """Return an instance of a class, or a callable with the keywords of the spec, if any, bound to it."""
    if isclass(found):
        try:
            found = found(**spec.keywords)
        except TypeError as error:
            hint = of_library(found)
            raise TypeError(f"{spec.text}: {found.__name__} can't be instantiated: {error}{hint}") from error
    elif spec.keywords:
        found = _with_keywords(found, spec)
    if not callable(found):
        raise TypeError(f"{spec.text} names {found!r}, which is not callable as (model, images, targets) -> maps")
    return found  # type: ignore[no-any-return]


def of_library(found: type) -> str:
    """Return how to name a class that belongs to a library with an adapter; nothing if it does not."""
    package = found.__module__.partition(".")[0]
    name = next((each.name for each in LIBRARIES.all().values() if each.package == package), "")
    return f". If it is {found.__name__} of {package} that you mean: {name}:{found.__name__}" if name else ""


def _with_keywords(found: Any, spec: Spec) -> Any:
    signature = signature_of(found)
    if signature is None:
        return partial(found, **spec.keywords)
    parameters = signature.parameters
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = (*list(parameters)[:3], "model", "images", "targets")  # the checks pass these to every method
    by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    allowed = [name for name in parameters if name not in given and parameters[name].kind in by_name]
    for keyword in spec.keywords:
        if keyword in given or (keyword not in allowed and not takes_any):
            raise unknown_name(f"keyword of {spec.text.partition('?')[0]}", keyword, allowed)
    return partial(found, **spec.keywords)
