"""Reads all options into a frozen object: the command line takes precedence over the ini file and the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from ..checks.expectations import ExpectedFailure, parse_expected_failure
from ..checks.plan import Plan
from ..checks.registry import TIERS
from ..foundation.backends import Backend
from ..foundation.errors import quoted
from ..foundation.reading import Reading
from ..foundation.shards import Shard
from ..networks.presets.registry import PRESETS, Preset
from ..networks.resolve import require_network_spec
from .blame import usage_error
from .names import EXPECTED_FAILURES
from .options import OPTIONS, UPDATE_BASELINE, Option

if TYPE_CHECKING:
    from ..networks.presets.protocol import PresetNetworks

DEFAULT_PRESET = "embedded"
LONGEST = 4096  # characters of a value: values stand in node ids and messages, and no path is longer


class Typed(NamedTuple):
    """An option as it was typed on the command line."""

    name: str
    text: str


@dataclass(frozen=True)
class Settings:
    """The options of a run.

    ``images``: how many images are explained; None for as many as the answers take. ``memory``: in bytes; None for a
    quarter of what is free. ``timeout``: the seconds that a question may take; None for no limit. ``parallel``: where
    measuring is spread to; ``shard``: which share of the plan is asked. ``named_models`` and ``checks`` are empty if
    none were named, which means all models of the preset and all checks. ``baseline``: a file of answers to compare
    with, or to write if ``update_baseline``. ``typed``: the options as typed, for the command that runs a test again.
    ``sources``: where each value came from.
    """

    methods: tuple[str, ...] = ()
    named_models: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    images: int | None = None
    memory: int | None = None
    timeout: float | None = None
    parallel: Backend | None = None
    shard: Shard | None = None
    seed: int = 0
    device: str = "auto"
    tier: str = TIERS[0]
    preset_name: str = DEFAULT_PRESET
    cache_dir: Path | None = None
    data: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    report: Path | None = None
    baseline: Path | None = None
    update_baseline: bool = False
    thresholds: Mapping[str, float] = field(default_factory=dict)
    sign: str = Reading.sign
    law: str = Reading.law
    confidence: float = Reading.confidence
    expected_failures: tuple[ExpectedFailure, ...] = ()
    typed: tuple[Typed, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def preset(self) -> Preset:
        """The preset that the names of networks refer to."""
        return PRESETS.named(self.preset_name)

    @cached_property
    def networks(self) -> PresetNetworks:
        """The trained networks and the images of the preset."""
        given = {"cache_dir": self.cache_dir, "data": self.data, "weights": self.weights or None}
        return self.preset.open(**{name: value for name, value in given.items() if name in self.preset.options})

    @property
    def reading(self) -> Reading:
        """How maps are read."""
        return Reading(self.sign, self.law, self.confidence)

    @property
    def models(self) -> tuple[str, ...]:
        """The networks to check on."""
        return self.named_models or self.preset.networks

    @cached_property
    def plan(self) -> Plan:
        """The plan of questions."""
        lacking = {} if self.named_models else {name: self.preset.lacking(name) for name in self.models}
        return Plan.of(self.methods, self.models, self.checks, lacking)

    def asked_for(self, option: str) -> bool:
        """Return whether an option was given, on the command line or in the ini file."""
        return option in self.sources

    @property
    def most_images(self) -> int:
        """How many images are looked at, at most."""
        return self.preset.most_images if self.images is None else self.images

    def threshold(self, check: str) -> float | None:
        """Return the user's threshold for a check; None to use the calibrated ones."""
        return self.thresholds.get(check)


SETTINGS = pytest.StashKey[Settings]()


def read_settings(config: pytest.Config) -> Settings:
    """Return the settings. Raises pytest.UsageError, with the option or ini key, the value and what is allowed."""
    read = {option.name: _read(config, option) for option in OPTIONS}
    values = {name: value for name, (value, _) in read.items() if value is not None}
    own = {"method": "methods", "model": "named_models", "check": "checks", "threshold": "thresholds"}
    own |= {"preset": "preset_name", "cache-dir": "cache_dir"}
    settings = Settings(
        **{own.get(name, name): value for name, value in values.items()},
        update_baseline=config.getoption(UPDATE_BASELINE.key),
        expected_failures=_read_expected_failures(config),
        sources={option.name: source_of(config, option) for option in OPTIONS if option.name in values},
        typed=tuple(typed for _, all_typed in read.values() for typed in all_typed),
    )
    for model in settings.named_models:
        try:
            require_network_spec(model, settings.preset.networks)
        except ValueError as error:
            raise usage_error(f"{settings.sources['model']}: {error}") from error
    return settings


def require_plan(settings: Settings) -> Plan:
    """Return the plan of questions. Raises pytest.UsageError if another package's registration is wrong."""
    try:
        return settings.plan
    except (ValueError, TypeError, ImportError) as error:
        raise usage_error(str(error)) from error


def source_of(config: pytest.Config, option: Option) -> str:
    """Return where an option's value comes from: the flag or the ini key."""
    return option.flag if config.getoption(option.key) is not None else f"ini {option.key}"


def _read_expected_failures(config: pytest.Config) -> tuple[ExpectedFailure, ...]:
    source = f"ini {EXPECTED_FAILURES}"
    try:
        return tuple(parse_expected_failure(line, source) for line in config.getini(EXPECTED_FAILURES))
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise usage_error(f"{source}: {error}") from error


def _read(config: pytest.Config, option: Option) -> tuple[Any, list[Typed]]:
    """Return an option's parsed value (None if it is not given), and how it was typed on the command line."""
    typed = config.getoption(option.key)
    try:
        # Pytest itself parses ini values: it looks for quotation marks, and in a TOML file for types. Its error names
        # no key, and before version 9 it is no usage error.
        raw = typed if typed is not None else config.getini(option.key)
        if typed is None and raw in (None, "", []):
            return None, []
        _require_length(raw if option.repeatable else [raw])
        parsed = option.parse(raw)
    except (ValueError, TypeError, ImportError, OSError, RuntimeError, pytest.UsageError) as error:
        raise usage_error(f"{source_of(config, option)}: {error}") from error
    if typed is None:
        return parsed, []
    return parsed, [Typed(option.name, each) for each in (typed if option.repeatable else [typed])]


def _require_length(values: Sequence[str]) -> None:
    for value in values:
        if len(value) > LONGEST:
            raise ValueError(f"{quoted(value)} is too long: {len(value)} characters of at most {LONGEST}")
