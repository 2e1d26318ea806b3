"""The command-line options and their ini keys: names, help texts and parsers of values."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from ..checks.registry import CHECKS, MOST_IMAGES, TIERS, question_ids
from ..foundation.backends import parse_backend
from ..foundation.errors import quoted, unknown_name
from ..foundation.limits import LEAST_IMAGES, parse_size, require_confidence, require_threshold
from ..foundation.reading import LAWS, SIGNS
from ..foundation.shards import parse_shard
from ..methods.resolve import installed_methods, require_method_spec
from ..networks.presets.registry import PRESETS
from .names import EXPECTED_FAILURES

MOST_SECONDS = 1_000_000  # eleven days
DEVICES = ("auto", "cpu", "cuda", "cuda:N", "mps")


@dataclass(frozen=True)
class Option:
    """A command-line option and its ini key. ``parse`` raises ValueError, TypeError or ImportError.

    ``meaning`` and ``default`` are words for a reader.
    """

    name: str
    metavar: str
    meaning: str
    parse: Callable[[Any], Any]
    default: str
    repeatable: bool = False

    @property
    def flag(self) -> str:
        """As it is typed: ``--saliency-...``."""
        return f"--saliency-{self.name}"

    @property
    def help(self) -> str:
        """What ``--help`` says."""
        return f"{self.meaning} (default: {self.default}){'; repeatable' * self.repeatable}"

    @property
    def ini_type(self) -> Literal["args", "string"]:
        """The type of its ini value."""
        return "args" if self.repeatable else "string"

    @property
    def key(self) -> str:
        """Its ini key and its place in ``config.option``: ``saliency_...``."""
        return f"saliency_{self.name.replace('-', '_')}"


@dataclass(frozen=True)
class Flag:
    """A command-line option without a value. It has no ini key: it is meant for one run."""

    name: str
    meaning: str

    @property
    def flag(self) -> str:
        """As it is typed: ``--saliency-...``."""
        return f"--saliency-{self.name}"

    @property
    def key(self) -> str:
        """Its place in ``config.option``: ``saliency_...``."""
        return f"saliency_{self.name.replace('-', '_')}"


def parse_methods(values: list[str]) -> tuple[str, ...]:
    """Return the specs of the methods, each once; ``all`` stands for all installed built-in ones."""
    specs: list[str] = []
    for value in values:
        specs += installed_methods() if value == "all" else [value]
    for spec in specs:
        require_method_spec(spec)
    return tuple(dict.fromkeys(specs))


def parse_words(values: list[str]) -> tuple[str, ...]:
    """Return the values, each once."""
    return tuple(dict.fromkeys(values))


def parse_checks(values: list[str]) -> tuple[str, ...]:
    """Return names of checks, or of variants in brackets, each once. Raises ValueError if one does not exist."""
    question_ids(values)
    return tuple(dict.fromkeys(values))


def parse_integer(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of a whole number within bounds."""

    def parse(value: str) -> int:
        # Python itself refuses thousands of digits, and tells how to allow them.
        if not re.fullmatch(r"[+-]?\d{1,100}", str(value).strip()) or not least <= int(value) <= most:
            raise ValueError(f"{quoted(value)} is not a whole number from {least} to {most}")
        return int(value)

    return parse


def parse_thresholds(values: list[str]) -> dict[str, float]:
    """Return the thresholds by check, from ``CHECK=X`` with X above 0 and at most 1."""
    thresholds = {}
    for value in values:
        check, separator, number = value.partition("=")
        if not separator:
            raise ValueError(f"{quoted(value)} is not of the form CHECK=X, as in cascading_randomization=0.9")
        judged_by_number = [name for name, known in CHECKS.all().items() if known.thresholds]
        if check not in judged_by_number:
            raise unknown_name("check with a threshold", check, judged_by_number)
        try:
            thresholds[check] = float(number)
        except ValueError:
            told = f"{quoted(number)} is not a number: the threshold of {check} is above 0 and at most 1"
            raise ValueError(told) from None
        require_threshold(thresholds[check], f"the threshold of {check}")
    return thresholds


def parse_name(kind: str, allowed: Callable[[], Any]) -> Callable[[str], str]:
    """Return a parser of one of the ``allowed`` names."""

    def parse(value: str) -> str:
        if value not in (names := allowed()):
            raise unknown_name(kind, value, names)
        return value

    return parse


def parse_confidence(value: str) -> float:
    """Return a confidence between 0 and 1."""
    try:
        confidence = float(value)
    except ValueError:
        raise ValueError(f"{quoted(value)} is not a number between 0 and 1, such as 0.95") from None
    require_confidence(confidence)
    return confidence


def parse_seconds(value: str) -> float:
    """Return a number of seconds above 0."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MOST_SECONDS:  # nor NaN
        raise ValueError(f"{quoted(value)} is not a number of seconds above 0 and at most {MOST_SECONDS}")
    return seconds


def expanded(value: str) -> Path:
    """Return a path with the home folder in place of ``~``. Raises ValueError if there is none of that user."""
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{quoted(value)} begins with the home folder of a user who has none: name another") from error


def parse_path(value: str) -> Path:
    """Return a path, which need not exist. Raises OSError if none of this name can."""
    path = expanded(value)
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        path.stat()
    return path


def parse_folder(value: str) -> Path:
    """Return an existing folder. Raises ValueError if there is none."""
    folder = expanded(value)
    if not folder.is_dir():
        raise ValueError(f"{value} is {'not a folder' if folder.exists() else 'missing'}: name a folder of images")
    return folder


def parse_new_folder(value: str) -> Path:
    """Return a folder, which need not exist. Raises ValueError if it is a file, or can't be made or written to."""
    folder = parse_path(value)  # from Python 3.14 on, exists() does not raise for a name that no file can have
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise ValueError(f"{existing} is a file: name a folder")
    if not os.access(existing, os.W_OK):
        raise ValueError(f"{value} can't be written to: name another folder")
    return folder


def parse_file(value: str) -> Path:
    """Return a file, which need not exist. Raises ValueError if it is a folder."""
    file = expanded(value)
    if file.is_dir():
        raise ValueError(f"{value} is a folder: name a file")
    return file


def parse_weights(values: list[str]) -> dict[str, Path]:
    """Return the weights files by network, from ``NETWORK=FILE``. Raises ValueError if a file does not exist."""
    files = {}
    networks = [name for preset in PRESETS.all().values() if "weights" in preset.options for name in preset.networks]
    for value in values:
        network, separator, name = value.partition("=")
        if not separator or network not in networks:
            raise ValueError(f"{quoted(value)} is not of the form NETWORK=FILE, with one of {', '.join(networks)}")
        files[network] = expanded(name)
        if not files[network].is_file():
            raise ValueError(f"{name} is {'not a file' if files[network].exists() else 'missing'}")
    return files


def parse_device(value: str) -> str:
    """Return the name of a device. Raises ValueError if its form is wrong."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", value):
        raise unknown_name("device", value, DEVICES)
    return value


OPTIONS = (
    Option(
        "method",
        "SPEC",
        "a saliency method to check: a name, package.module:attribute, library:Class[:layer], or 'all' built-in ones",
        parse_methods,
        "none: the plugin is silent",
        repeatable=True,
    ),
    Option("model", "NAME", "a network to check on, or package.module:factory", parse_words, "all", repeatable=True),
    Option(
        "check", "NAME", "only this check, or one variant: 'symmetry[rescaling]'", parse_checks, "all", repeatable=True
    ),
    Option(
        "tier",
        "NAME",
        "gate, or full: findings, which are only reported otherwise, decide too",
        parse_name("tier", lambda: TIERS),
        TIERS[0],
    ),
    Option(
        "images",
        "N",
        f"explain this many images, {LEAST_IMAGES} to {MOST_IMAGES}, for every answer",
        parse_integer(LEAST_IMAGES, MOST_IMAGES),
        "as many as each answer takes until it is sure",
    ),
    Option(
        "parallel",
        "WHERE",
        "spread measuring over processes or machines: loky:N, dask:ADDRESS, ray or ray:N",
        parse_backend,
        "nowhere",
    ),
    Option("shard", "I/N", "ask only shard I of N of the methods and models", parse_shard, "all of them"),
    Option(
        "timeout", "SECONDS", "fail a question that takes longer; the others are still asked", parse_seconds, "no limit"
    ),
    Option("memory", "SIZE", "take at most so much memory, as in 2G", parse_size, "a quarter of what is free"),
    Option("seed", "N", "the seed of all random draws", parse_integer(0, 2**63 - 1), "0"),
    Option(
        "threshold",
        "CHECK=X",
        "judge a check by X, above 0 and at most 1, instead of the calibrated threshold",
        parse_thresholds,
        "calibrated",
        repeatable=True,
    ),
    Option(
        "sign",
        "NAME",
        "how maps are read: signed, as they are given, or absolute, by magnitude",
        parse_name("sign", lambda: SIGNS),
        SIGNS[0],
    ),
    Option(
        "law",
        "NAME",
        f"what new weights are drawn from: {', '.join(LAWS)}",
        parse_name("law", lambda: LAWS),
        f"{LAWS[0]}, the paper's",
    ),
    Option("confidence", "X", "the confidence of every interval, between 0 and 1", parse_confidence, "0.95"),
    Option(
        "preset",
        "NAME",
        "which trained networks the names mean: embedded, paper, imagenet, or that of another package",
        parse_name("preset", PRESETS.all),
        "embedded",
    ),
    Option("cache-dir", "DIR", "where the preset paper keeps its networks", parse_path, "the user's cache folder"),
    Option("data", "DIR", "a folder of photographs for the preset imagenet", parse_folder, "none"),
    Option(
        "weights",
        "NETWORK=FILE",
        "a weights file for the preset imagenet, in place of a download",
        parse_weights,
        "torchvision's",
        repeatable=True,
    ),
    Option("report", "DIR", "a folder to write every report of the run to", parse_new_folder, "none are written"),
    Option(
        "baseline", "FILE", "fail if an answer differs from the one in this file", parse_file, "nothing is compared"
    ),
    Option("device", "NAME", "auto, cpu, cuda, cuda:N or mps", parse_device, "auto: CUDA if there is one"),
)

UPDATE_BASELINE = Flag("update-baseline", "write the answers of this run to the file of --saliency-baseline")
LIST = Flag("list", "list the methods, models, checks, presets, data sets and reports that exist, then stop")
ISOLATE = Flag("isolate", "run pytest in a child process, so that a method that ends its process turns nothing green")
FLAGS = (UPDATE_BASELINE, ISOLATE, LIST)


def add_options(parser: pytest.Parser) -> None:
    """Add every option and its ini key to pytest's."""
    group = parser.getgroup("saliency-sanity", "saliency sanity checks")
    for option in OPTIONS:
        group.addoption(
            option.flag,
            action="append" if option.repeatable else "store",
            dest=option.key,
            metavar=option.metavar,
            default=None,
            help=option.help,
        )
        parser.addini(option.key, option.help, type=option.ini_type, default=None)
    parser.addini(EXPECTED_FAILURES, "failures to expect: method/model/check -> reason", type="linelist", default=[])
    for flag in FLAGS:
        group.addoption(flag.flag, action="store_true", dest=flag.key, default=False, help=flag.meaning)
