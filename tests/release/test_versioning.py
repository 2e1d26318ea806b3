"""The policy on versions names what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.data.registry import DATA_SETS
from pytest_saliency_sanity.foundation.deprecation import MINOR_VERSIONS
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.methods.registry import GROUP
from pytest_saliency_sanity.networks.presets.registry import PRESETS
from pytest_saliency_sanity.reports.registry import REPORTS

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "docs" / "versioning.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_it_names_every_entry_point_group() -> None:
    groups = {GROUP, *(registry.group for registry in (CHECKS, DATA_SETS, LIBRARIES, PRESETS, REPORTS))}
    (sentence,) = re.findall(r"the entry-point groups (.*?), and what", POLICY, re.DOTALL)
    assert {f"saliency_sanity.{name}" for name in re.findall(r"`\S*?\.(\w+)`", sentence)} == groups


def test_it_says_how_long_something_is_deprecated_as_the_code_does() -> None:
    assert MINOR_VERSIONS == 2
    assert "at least two minor versions" in POLICY


def test_the_pythons_that_are_listed_begin_with_the_oldest_that_is_allowed() -> None:
    listed = [found[1] for each in PROJECT["classifiers"] if (found := re.fullmatch(r".* :: 3\.(\d+)", each))]
    minors = list(map(int, listed))
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert PROJECT["requires-python"] == f">=3.{minors[0]}"
