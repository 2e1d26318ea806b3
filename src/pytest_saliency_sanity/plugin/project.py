"""Reads what a project gives through its hooks, methods, checks and tests that it expects to fail, and fixtures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..checks.expectations import ExpectedFailure, named_expected_failure
from ..checks.registry import Check
from ..foundation.registry import Source
from ..foundation.specs import is_dotted
from ..methods.registry import NamedMethod
from .blame import blaming, usage_error

METHODS, CHECKS, EXPECTED = (
    "pytest_saliency_methods",
    "pytest_saliency_checks",
    "pytest_saliency_expected_failures",
)


def methods_of(config: pytest.Config) -> list[NamedMethod]:
    """Return the methods that conftests and plugins give. Raises pytest.UsageError for one that is not a method."""
    found = []
    for source, methods in _mappings(config, METHODS):
        with blaming(f"{METHODS} in {source}"):
            for name, value in methods.items():
                if not isinstance(name, str) or not is_dotted(name) or name == "all":
                    raise usage_error(
                        f"{METHODS} in {source}: {name!r} can't be a name: "
                        "use letters, digits, '_', '-' and '.', but not 'all'"
                    )
                if not (isinstance(value, str) or callable(value)):
                    raise usage_error(f"{METHODS} in {source}: {name!r} is {value!r}, neither a callable nor a spec")
                found.append(NamedMethod(name, value, source))
    return found


def checks_of(config: pytest.Config) -> list[Source[Check]]:
    """Return the checks that conftests and plugins give. Raises pytest.UsageError for one that is not a check."""
    found = []
    for source, checks in _answers(config, CHECKS):
        if isinstance(checks, str | Mapping) or not isinstance(checks, Iterable):
            raise usage_error(f"{CHECKS} in {source} returned {type(checks).__name__}, not a list of checks")
        with blaming(f"{CHECKS} in {source}"):
            for check in checks:
                if not isinstance(check, Check):
                    raise usage_error(f"{CHECKS} in {source}: {check!r} is not a pytest_saliency_sanity.Check")
                found.append(Source(check, f"{CHECKS} in {source}"))
    return found


def gives_own(config: pytest.Config, fixture: str, folder: Path | None) -> bool:
    """Return whether another plugin, or a conftest that applies in a folder, overrides a fixture of this plugin."""
    ours = config.pluginmanager.getplugin("saliency_sanity")
    others = [each for each in config.pluginmanager.get_plugins() if each is not ours and hasattr(each, fixture)]
    return any(_applies(str(getattr(each, "__file__", "")), folder) for each in others)


def _applies(file: str, folder: Path | None) -> bool:
    path = Path(file)
    return path.name != "conftest.py" or (folder is not None and folder.is_relative_to(path.resolve().parent))


def expected_failures_of(config: pytest.Config) -> list[ExpectedFailure]:
    """Return what conftests and plugins expect to fail. Raises pytest.UsageError if an entry is malformed."""
    found = []
    for source, entries in _mappings(config, EXPECTED):
        with blaming(f"{EXPECTED} in {source}"):
            for pattern, reason in entries.items():
                try:
                    found.append(named_expected_failure(pattern, reason, f"{EXPECTED} in {source}"))
                except ValueError as error:
                    raise usage_error(f"{EXPECTED} in {source}: {error}") from error
    return found


def _mappings(config: pytest.Config, hook: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    for source, answer in _answers(config, hook):
        if not isinstance(answer, Mapping):
            raise usage_error(f"{hook} in {source} returned {type(answer).__name__}, not a mapping")
        yield source, answer


def _answers(config: pytest.Config, hook: str) -> Iterator[tuple[str, Any]]:
    """Yield the source and the answer of each implementation of a hook, so that an error can name its source."""
    for implementation in getattr(config.hook, hook).get_hookimpls():
        source = _source(config, implementation.plugin_name)
        with blaming(f"{hook} in {source}"):
            answer = implementation.function(*[config for _ in implementation.argnames])
        if answer is not None:
            yield source, answer


def _source(config: pytest.Config, plugin_name: str) -> str:
    path = Path(plugin_name)
    return str(path.relative_to(config.rootpath)) if path.is_relative_to(config.rootpath) else plugin_name
