"""The tables of README and docs are what the registries say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tables

from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.networks.presets.registry import PRESETS
from pytest_saliency_sanity.plugin.options import OPTIONS
from pytest_saliency_sanity.reports.registry import REPORTS


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.name)
def test_no_table_is_stale(page: Path) -> None:
    text = page.read_text()
    assert tables.rewritten(text) == text, "run python docs/tables.py"


def test_a_stale_table_is_noticed() -> None:
    # Shows that the test above can fail.
    stale = "<!-- table: presets -->\n| preset |\n<!-- end of table -->"
    assert "`embedded`" in tables.rewritten(stale)


def test_the_readme_has_every_table_that_a_user_needs() -> None:
    found = set(re.findall(r"<!-- table: ([\w-]+) -->", tables.PAGES[0].read_text()))
    assert found == {"checks", "specs", "presets", "options", "reports"}


def test_every_registered_thing_is_in_a_table() -> None:
    text = tables.PAGES[0].read_text()
    for name in (*CHECKS.all(), *LIBRARIES.all(), *PRESETS.all(), *REPORTS.all(), *(each.flag for each in OPTIONS)):
        assert name in text


def test_a_mark_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="cheks"):
        tables.rewritten("<!-- table: cheks -->\n<!-- end of table -->")
