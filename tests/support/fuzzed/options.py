"""Every option, on the command line and in the ini file, as the plugin reads it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from pytest_saliency_sanity.plugin.baselines import open_baseline
from pytest_saliency_sanity.plugin.names import EXPECTED_FAILURES
from pytest_saliency_sanity.plugin.options import OPTIONS, Option
from pytest_saliency_sanity.plugin.settings import read_settings

from ..fuzzing import Parser
from ..mutation import mutated_text, texts
from .specs import SPECS

# By the words that the help shows for a value. Paths are below a folder that the test makes.
FOLDER = "."
SAMPLES: dict[str, tuple[str, ...]] = {
    "method": ("gradcam", "all", *SPECS),
    "model": ("alexnet", "vgg11", "package.module:factory?width=0.5"),
    "check": ("symmetry", "symmetry[rescaling]", "contract", "cascading_randomization[top_down]"),
    "tier": ("gate", "full"),
    "images": ("10", "1000"),
    "memory": ("500M", "2G", "1.5GiB", "64 MB"),
    "seed": ("0", "7", str(2**63 - 1)),
    "threshold": ("cascading_randomization=0.9", "label_randomization=1"),
    "sign": ("signed", "absolute"),
    "law": ("normal", "reinit", "permute", "match"),
    "confidence": ("0.95", "0.5"),
    "preset": ("embedded", "paper", "imagenet"),
    "device": ("auto", "cpu", "cuda:1", "mps"),
    # What must be taken is what the tests' own packages can do: Dask and Ray need not be installed.
    "parallel": ("loky:2", "loky:16"),
    "shard": ("1/1", "2/3"),
    "timeout": ("60", "0.5"),
}
PATHS = (".", "..", "~", "a/b/c", "./x", "/", "/dev/null", "/proc/self", "a" * 300, "a/" * 1500)


class Given:
    """Stands for pytest's config: one option, typed or from an ini file of which pytest makes lists as this does."""

    def __init__(self, option: Option, source: str, text: str) -> None:
        self.option, self.source, self.text = option, source, text

    def getoption(self, key: str) -> Any:
        """Return what was typed."""
        if key != self.option.key or self.source != "typed":
            return None
        return [self.text] if self.option.repeatable else self.text

    def getini(self, key: str) -> Any:
        """Return what the ini file has."""
        if key == EXPECTED_FAILURES:
            return []
        if key != self.option.key or self.source != "ini":
            return None
        return shlex.split(self.text) if self.option.repeatable else self.text


def parse(given: Given) -> None:
    """Read the settings, and the baseline if there is one."""
    settings = read_settings(given)  # type: ignore[arg-type]
    open_baseline(settings)


def parser_of(option: Option) -> Parser:
    """Return the parser of an option. One that is new gets hostile texts and paths."""
    known = SAMPLES.get(option.name, ())
    words = known or (*PATHS, "alexnet=weights.pth", "alexnet=", "vgg11=/dev/null")

    def put(folder: Path, given: tuple[str, str]) -> Given:
        return Given(option, *given)

    return Parser(
        option.flag,
        tuple((source, text) for text in known for source in ("typed", "ini")),
        st.tuples(st.sampled_from(("typed", "ini")), texts(*words)),
        lambda random, given: (random.choice(("typed", "ini")), mutated_text(random, given[1])),
        parse,
        (pytest.UsageError,),
        put,
    )


PARSERS = tuple(map(parser_of, OPTIONS))
