"""The tables of README and docs are what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tables

import pytest_saliency_sanity
from pytest_saliency_sanity import plugin
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.networks.presets.registry import PRESETS
from pytest_saliency_sanity.plugin.names import MARKERS
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


def test_every_table_stands_on_a_page_and_the_readme_has_the_options() -> None:
    found = {page: set(re.findall(r"<!-- table: ([\w-]+) -->", page.read_text())) for page in tables.PAGES}
    assert set().union(*found.values()) == set(tables.TABLES)
    assert "options" in found[tables.PAGES[0]]


def test_every_registered_thing_is_in_a_table() -> None:
    text = "".join(tables.markdown(make()) for make in tables.TABLES.values())
    registered = (*CHECKS.all(), *LIBRARIES.all(), *PRESETS.all(), *REPORTS.all(), *MARKERS, *plugin.__all__)
    for name in (*registered, *(option.flag for option in OPTIONS), *pytest_saliency_sanity.__all__):
        assert name in text


def test_a_mark_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(KeyError, match="cheks"):
        tables.rewritten("<!-- table: cheks -->\n<!-- end of table -->")
