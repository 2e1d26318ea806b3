"""The output of ``--saliency-list``: everything registered, and who registered it if it was another package."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...checks.registry import CHECKS, Check
from ...data.registry import DATA_SETS
from ...foundation.registry import Registry, Source, T
from ...foundation.specs import parse_spec
from ...methods.adapters import LIBRARIES, Library
from ...methods.registry import BUILT_IN, CONTROLS, REFERENCE, NamedMethod, known_methods
from ...networks.presets.registry import PRESETS
from ..registry import REPORTS

WIDTH = 24


def listing() -> str:
    """Return all methods, models, checks, presets, data sets and reports, as text."""
    return "\n".join(
        [
            "methods (--saliency-method):",
            *(entry(name, "; ".join(map(_describe, found))) for name, found in known_methods().items()),
            entry("package.module:attribute", "your own: a function, an instance or a class"),
            *(entry(f"{name}:Class[:layer]", _library(each)) for name, each in LIBRARIES.sources().items()),
            "models (--saliency-model):",
            *(entry(name, f"preset {', '.join(presets)}") for name, presets in _networks().items()),
            entry("package.module:factory", "your own: a network, or a function that returns one"),
            "checks (--saliency-check):",
            *(line for each in CHECKS.sources().values() for line in _check(each)),
            "presets (--saliency-preset):",
            *registered(PRESETS, lambda preset: f"{preset.description}; {preset.images}"),
            "data sets (load_batch):",
            *registered(DATA_SETS, lambda data_set: data_set.description),
            "reports (--saliency-report):",
            *registered(REPORTS, lambda report: f"{report.description}: {report.file}"),
        ]
    )


def registered(registry: Registry[T], described: Callable[[T], str]) -> Iterator[str]:
    """Yield a line for each registered thing."""
    for name, each in registry.sources().items():
        yield entry(name, described(each.thing) + by(each))


def entry(name: str, text: str) -> str:
    """Return a line of the list."""
    return f"  {name:{WIDTH}} {text}".rstrip()


def by(source: Source[Any]) -> str:
    """Return who registered something; empty if it was this package."""
    return "" if source.is_built_in else f", by {source.source}"


def _library(source: Source[Library]) -> str:
    library = source.thing
    missing = "" if library.is_installed else f", not installed: {library.install}"
    return f"a class of {library.package}{missing}{by(source)}"


def thresholds(check: Check) -> str:
    """Return the thresholds of a check, in words."""
    side = "above" if check.above else "below"
    without = {at: f", {check.unsigned[at]:g} without signs" for at in check.unsigned}
    return ", ".join(
        f"{check.quantity} {side} {threshold:g} ({at}{without.get(at, '')})"
        for at, threshold in check.thresholds.items()
    )


def variants(check: Check) -> str:
    """Return the variants of a check, and which of them are findings."""
    findings = (
        f" ({', '.join(check.findings)}: a finding, which decides only in the tier full)" if check.findings else ""
    )
    return f"variants {', '.join(check.variants)}{findings}" if check.variants else ""


def _check(source: Source[Check]) -> Iterator[str]:
    check = source.thing
    yield entry(check.name, check.question + by(source))
    yield entry("", "; ".join(filter(None, (thresholds(check), variants(check), check.source))))


def _networks() -> Mapping[str, list[str]]:
    """Return the presets of every network, by the name of the network."""
    found: dict[str, list[str]] = {}
    for preset in PRESETS.all().values():
        for network in preset.networks:
            found.setdefault(network, []).append(preset.name)
    return found


def _describe(method: NamedMethod) -> str:
    if method.source != "built in":
        return f"given by {method.source}"
    kind = "reference" if method.name in REFERENCE else "control" if method.name in CONTROLS else BUILT_IN[method.name]
    library = LIBRARIES.all().get(parse_spec(BUILT_IN[method.name]).name)
    return kind if library is None or library.is_installed else f"{kind}, not installed: {library.install}"
