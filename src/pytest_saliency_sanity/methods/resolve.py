"""From what a user writes to a method. Specs are checked without importing torch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from inspect import Parameter, isclass, signature
from typing import TYPE_CHECKING, Any

from ..foundation.errors import unknown_name
from ..foundation.imports import import_attribute
from ..foundation.specs import Spec, parse_spec
from .adapters import LIBRARIES, missing
from .registry import BUILT_IN, named_method

if TYPE_CHECKING:
    from .protocol import SaliencyMethod


def installed_methods() -> list[str]:
    """Return the names of the built-in methods that can be used here."""
    return [name for name in BUILT_IN if is_installed(parse_spec(BUILT_IN[name]))]


def is_installed(spec: Spec) -> bool:
    """Return whether the library that a spec needs, if any, is installed."""
    library = LIBRARIES.all().get(spec.name)
    return library is None or library.is_installed


def require_method_spec(text: str, _seen: tuple[str, ...] = ()) -> None:
    """Raise ValueError for a spec that names no method, ImportError for one whose library is missing.

    Nothing is imported, so of an import path only the form is looked at.
    """
    spec = parse_spec(text)
    if spec.attribute is None:
        named = named_method(spec.name)
        if spec.name in _seen:
            raise ValueError(f"the method {spec.name!r} of {named.source} stands for itself")
        if isinstance(named.value, str):
            require_method_spec(named.value, (*_seen, spec.name))
    elif not is_installed(spec):
        raise ImportError(missing(_seen[0] if _seen else text, LIBRARIES.named(spec.name)))
    elif spec.layer and spec.name not in LIBRARIES.all():
        raise ValueError(f"{text!r}: only a library's class takes a layer behind it ({', '.join(LIBRARIES.all())})")


def resolve_method(spec: str) -> SaliencyMethod:
    """Return the method that a spec names.

    A name (built in, given by the hook ``pytest_saliency_methods``, or an entry point of ``saliency_sanity.methods``);
    ``package.module:attribute``, a function, an instance, or a class to instantiate; or a class of a library,
    ``captum:IntegratedGradients?n_steps=20``, ``grad_cam:GradCAMPlusPlus``, ``torchcam:LayerCAM:features.10``,
    ``zennit:EpsilonPlusFlat``. Keyword values are literals, given to the class, else to every call.

    Raises ValueError for an unknown name, one that two sources give, or keywords or a layer that do not fit;
    ImportError where a package, module or attribute is missing; TypeError for something that can't be called.
    """
    require_method_spec(spec)
    return _resolved(parse_spec(spec))


def _resolved(spec: Spec) -> SaliencyMethod:
    if spec.attribute is None:
        value = named_method(spec.name).value
        if not isinstance(value, str):
            return _made(value, spec)
        meant = parse_spec(value)
        shown = spec.text if spec.name in BUILT_IN else meant.text  # our own paths tell nobody anything
        return _resolved(replace(meant, text=shown, keywords={**meant.keywords, **spec.keywords}))
    if spec.name in LIBRARIES.all():
        make = import_attribute(LIBRARIES.named(spec.name).adapter)
        return make(spec)  # type: ignore[no-any-return]
    return _made(import_attribute(spec.path), spec)


def _made(found: Any, spec: Spec) -> SaliencyMethod:
    """Return a class's instance, a callable with its keywords, or the callable itself."""
    if isclass(found):
        try:
            found = found(**spec.keywords)
        except TypeError as error:
            raise TypeError(f"{spec.text}: {found.__name__} can't be made: {error}") from error
    elif spec.keywords:
        found = _with_keywords(found, spec)
    if not callable(found):
        raise TypeError(f"{spec.text} names {found!r}, which is not callable as (model, images, targets) -> maps")
    return found  # type: ignore[no-any-return]


def _with_keywords(found: Any, spec: Spec) -> Any:
    parameters = signature(found).parameters
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    given = (*list(parameters)[:3], "model", "images", "targets")  # to every method, by the checks
    by_name = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    allowed = [name for name in parameters if name not in given and parameters[name].kind in by_name]
    for keyword in spec.keywords:
        if keyword in given or (keyword not in allowed and not takes_any):
            raise unknown_name(f"keyword of {spec.text.partition('?')[0]}", keyword, allowed)
    return partial(found, **spec.keywords)
