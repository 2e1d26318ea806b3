"""What a project says through its hooks: methods of its own, and tests that it expects to fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..checks.expectations import ExpectedFailure, require_pattern
from ..foundation.specs import is_dotted
from ..methods.registry import NamedMethod

METHODS, EXPECTED = "pytest_saliency_methods", "pytest_saliency_expected_failures"


def methods_of(config: pytest.Config) -> list[NamedMethod]:
    """Return the methods that conftests and plugins give. Raises pytest.UsageError where one is no method."""
    found = []
    for source, methods in _answers(config, METHODS):
        for name, value in methods.items():
            if not isinstance(name, str) or not is_dotted(name) or name == "all":
                raise pytest.UsageError(
                    f"{METHODS} in {source}: {name!r} is no name: letters, digits, '_', '-', '.', and not 'all'"
                )
            if not (isinstance(value, str) or callable(value)):
                raise pytest.UsageError(f"{METHODS} in {source}: {name!r} is {value!r}, neither a callable nor a spec")
            found.append(NamedMethod(name, value, source))
    return found


def expected_failures_of(config: pytest.Config) -> dict[str, ExpectedFailure]:
    """Return by pattern what conftests and plugins expect to fail. Raises pytest.UsageError for a wrong entry."""
    found: dict[str, ExpectedFailure] = {}
    for source, entries in _answers(config, EXPECTED):
        for pattern, reason in entries.items():
            try:
                require_pattern(pattern)
                if not (isinstance(reason, str) and reason.strip()):
                    raise ValueError(f"{pattern!r} has no reason: {reason!r}")
            except (ValueError, AttributeError) as error:
                raise pytest.UsageError(f"{EXPECTED} in {source}: {error}") from error
            found[pattern] = ExpectedFailure(reason, f"{EXPECTED} in {source}")
    return found


def _answers(config: pytest.Config, hook: str) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Yield who answers a hook, and what. One by one, so that an error can name its source."""
    for implementation in getattr(config.hook, hook).get_hookimpls():
        answer = implementation.function(*[config for _ in implementation.argnames])
        if answer is None:
            continue
        source = _source(config, implementation.plugin_name)
        if not isinstance(answer, Mapping):
            raise pytest.UsageError(f"{hook} in {source} returned {type(answer).__name__}, not a mapping")
        yield source, answer


def _source(config: pytest.Config, plugin_name: str) -> str:
    path = Path(plugin_name)
    return str(path.relative_to(config.rootpath)) if path.is_relative_to(config.rootpath) else plugin_name
