"""Every option in one frozen object, read once: command line > ini > default. Standard library and pytest only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from ..checks.catalogue import CHECKS, IMAGES, LEAST_IMAGES, MOST_IMAGES, TIERS
from ..checks.expectations import ExpectedFailure, parse_expected_failure
from ..foundation.errors import unknown_name
from ..methods.resolve import installed_methods, require_method_spec
from ..networks.architectures import MODELS
from ..networks.names import PRESETS
from ..networks.presets import Preset
from ..networks.resolve import require_model_spec


@dataclass(frozen=True)
class Settings:
    """What to check, and with what.

    ``given``: the options as they were typed, for the command that runs again. ``sources``: where each value came from.
    """

    methods: tuple[str, ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    checks: tuple[str, ...] = tuple(CHECKS)
    images: int = IMAGES
    seed: int = 0
    device: str = "auto"
    tier: str = TIERS[0]
    preset: Preset = Preset()  # noqa: RUF009  (frozen)
    data: Path | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)
    report: Path | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    expected_failures: Mapping[str, ExpectedFailure] = field(default_factory=dict)
    given: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)

    def asked_for(self, option: str) -> bool:
        """Return whether an option was given, on the command line or in the ini file."""
        return option in self.sources

    @property
    def takes_fewer_images(self) -> bool:
        """Whether a folder of fewer images than ``images`` will do."""
        return self.preset.data is not None and not self.asked_for("images")

    def threshold(self, check: str) -> float | None:
        """Return the user's threshold of a check, None for the calibrated ones."""
        return self.thresholds.get(check)


@dataclass(frozen=True)
class Option:
    """An option of the command line and its ini twin. ``parse`` raises ValueError, TypeError or ImportError."""

    name: str
    metavar: str
    help: str
    parse: Callable[[Any], Any]
    repeatable: bool = False

    @property
    def flag(self) -> str:
        """As it is typed: ``--saliency-...``."""
        return f"--saliency-{self.name}"

    @property
    def ini_type(self) -> Literal["args", "string"]:
        """The type of its ini value."""
        return "args" if self.repeatable else "string"

    @property
    def key(self) -> str:
        """Its ini key and its place in ``config.option``: ``saliency_...``."""
        return f"saliency_{self.name.replace('-', '_')}"


def parse_methods(values: list[str]) -> tuple[str, ...]:
    """Return the specs of the methods, ``all`` spelled out, each once."""
    specs: list[str] = []
    for value in values:
        specs += installed_methods() if value == "all" else [value]
    for spec in specs:
        require_method_spec(spec)
    return tuple(dict.fromkeys(specs))


def parse_models(values: list[str]) -> tuple[str, ...]:
    """Return the specs of the networks, each once."""
    for value in values:
        require_model_spec(value)
    return tuple(dict.fromkeys(values))


def parse_names(kind: str, allowed: Mapping[str, object]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return a parser of names that exist, each once."""

    def parse(values: list[str]) -> tuple[str, ...]:
        for value in values:
            if value not in allowed:
                raise unknown_name(kind, value, allowed)
        return tuple(dict.fromkeys(values))

    return parse


def parse_integer(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of a whole number within bounds."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"[+-]?\d+", str(value).strip()) or not least <= int(value) <= most:
            raise ValueError(f"{value!r} is not a whole number from {least} to {most}")
        return int(value)

    return parse


def parse_thresholds(values: list[str]) -> dict[str, float]:
    """Return the thresholds by check, from ``CHECK=X`` with X above 0 and at most 1."""
    thresholds = {}
    for value in values:
        check, separator, number = value.partition("=")
        if not separator:
            raise ValueError(f"{value!r} is not of the form CHECK=X, as in cascading_randomization=0.9")
        judged_by_number = [name for name, known in CHECKS.items() if known.thresholds]
        if check not in judged_by_number:
            raise unknown_name("check with a threshold", check, judged_by_number)
        try:
            thresholds[check] = float(number)
        except ValueError:
            raise ValueError(f"{number!r} is no number: the threshold of {check} is above 0 and at most 1") from None
        if not 0 < thresholds[check] <= 1:
            raise ValueError(f"the threshold of {check} must be above 0 and at most 1, not {number}")
    return thresholds


def parse_tier(value: str) -> str:
    """Return the tier, if there is one of this name."""
    if value not in TIERS:
        raise unknown_name("tier", value, TIERS)
    return value


def parse_expected_failures(values: list[str], source: str) -> dict[str, ExpectedFailure]:
    """Return by pattern what is expected to fail, from lines ``method/model/check -> reason``."""
    return {pattern: ExpectedFailure(reason, source) for pattern, reason in map(parse_expected_failure, values)}


def parse_preset(value: str) -> str:
    """Return the name of a preset, if there is one."""
    return Preset(value).name


def parse_path(value: str) -> Path:
    """Return a path, of which nothing need exist yet."""
    return Path(value).expanduser()


def parse_folder(value: str) -> Path:
    """Return a folder that exists."""
    folder = Path(value).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{value} is {'no folder' if folder.exists() else 'missing'}: name a folder of images")
    return folder


def parse_weights(values: list[str]) -> dict[str, Path]:
    """Return the weights files by network, from ``NETWORK=FILE``; each exists."""
    files = {}
    for value in values:
        network, separator, name = value.partition("=")
        if not separator or network not in MODELS:
            raise ValueError(f"{value!r} is not of the form NETWORK=FILE, with one of {', '.join(MODELS)}")
        files[network] = Path(name).expanduser()
        if not files[network].is_file():
            raise ValueError(f"{name} is {'no file' if files[network].exists() else 'missing'}")
    return files


def parse_device(value: str) -> str:
    """Return the device as written, if its form is right."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", value):
        raise unknown_name("device", value, ("auto", "cpu", "cuda", "cuda:N", "mps"))
    return value


OPTIONS = (
    Option(
        "method",
        "SPEC",
        "a saliency method to check: a name, package.module:attribute, library:Class[:layer], or 'all' built-in ones",
        parse_methods,
        True,
    ),
    Option("model", "NAME", "a network to check on, or package.module:factory (default: all)", parse_models, True),
    Option("check", "NAME", "only this check (default: all)", parse_names("check", CHECKS), True),
    Option(
        "threshold", "CHECK=X", "judge a check by another threshold than the calibrated one", parse_thresholds, True
    ),
    Option(
        "images",
        "N",
        f"how many images to look at, {LEAST_IMAGES} to {MOST_IMAGES} (default: {IMAGES})",
        parse_integer(LEAST_IMAGES, MOST_IMAGES),
    ),
    Option("seed", "N", "the seed of all random draws (default: 0)", parse_integer(0, 2**63 - 1)),
    Option("tier", "NAME", "gate, or full: what is a warning only decides, too (default: gate)", parse_tier),
    Option("device", "NAME", "auto, cpu, cuda, cuda:N or mps (default: auto)", parse_device),
    Option("preset", "NAME", "embedded, paper or imagenet: which networks the names mean", parse_preset),
    Option("cache-dir", "DIR", "where the networks of the preset paper are kept (default: the user's)", parse_path),
    Option("data", "DIR", "a folder of photographs for the preset imagenet", parse_folder),
    Option(
        "weights", "NETWORK=FILE", "a weights file for the preset imagenet, in place of a download", parse_weights, True
    ),
    Option("report", "DIR", "where benchmarks write their tables and figures", parse_path),
)


EXPECTED_FAILURES = "saliency_expected_failures"


def add_options(parser: pytest.Parser) -> None:
    """Add every option and its ini twin to pytest's."""
    group = parser.getgroup("saliency-sanity", "saliency sanity checks")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            action="append" if option.repeatable else "store",
            dest=option.key,
            metavar=option.metavar,
            default=None,
            help=f"{option.help}{'; repeatable' if option.repeatable else ''}",
        )
        parser.addini(option.key, option.help, type=option.ini_type, default=None)
    parser.addini(EXPECTED_FAILURES, "failures to expect: method/model/check -> reason", type="linelist", default=[])
    group.addoption(
        "--saliency-list",
        action="store_true",
        dest="saliency_list",
        default=False,
        help="list the methods, models and checks that exist, then stop",
    )


def read_settings(config: pytest.Config) -> Settings:
    """Return the settings. Raises pytest.UsageError that names the option or ini key, the value and what is allowed."""
    read = {option.name: _read(config, option) for option in OPTIONS}
    values = {name: value for name, (value, _) in read.items()}
    defaults = Settings()
    return Settings(
        methods=values["method"] or (),
        models=values["model"] or defaults.models,
        checks=values["check"] or defaults.checks,
        images=defaults.images if values["images"] is None else values["images"],
        seed=values["seed"] or 0,
        device=values["device"] or defaults.device,
        tier=values["tier"] or defaults.tier,
        thresholds=values["threshold"] or {},
        preset=_preset_of(values),
        data=values["data"],
        weights=values["weights"] or {},
        report=values["report"],
        expected_failures=_read_expected_failures(config),
        sources={option.name: source_of(config, option) for option in OPTIONS if values[option.name] is not None},
        given=tuple(typed for _, all_typed in read.values() for typed in all_typed),
    )


def _preset_of(values: Mapping[str, Any]) -> Preset:
    name = values["preset"] or PRESETS[0]
    # Photographs may be given for benchmarks beside another preset.
    data, weights = (values["data"], values["weights"] or {}) if name == "imagenet" else (None, {})
    return Preset(name, values["cache-dir"], data, weights)


def source_of(config: pytest.Config, option: Option) -> str:
    """Return where an option's value comes from, as a user knows it."""
    return option.flag if config.getoption(option.key) is not None else f"ini {option.key}"


def _read_expected_failures(config: pytest.Config) -> dict[str, ExpectedFailure]:
    source = f"ini {EXPECTED_FAILURES}"
    try:
        return parse_expected_failures(config.getini(EXPECTED_FAILURES), source)
    except ValueError as error:
        raise pytest.UsageError(f"{source}: {error}") from error


def _read(config: pytest.Config, option: Option) -> tuple[Any, list[str]]:
    """Return an option's parsed value, None where it is not given, and how it was typed on the command line."""
    typed = config.getoption(option.key)
    raw = typed if typed is not None else config.getini(option.key)
    if typed is None and raw in (None, "", []):
        return None, []
    try:
        parsed = option.parse(raw)
    except (ValueError, TypeError, ImportError) as error:
        raise pytest.UsageError(f"{source_of(config, option)}: {error}") from error
    if typed is None:
        return parsed, []
    return parsed, [f"{option.flag}={each}" for each in (typed if option.repeatable else [typed])]
