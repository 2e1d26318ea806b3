"""What README and docs show to readers exists: options, names that are imported, and the tutorial's output."""

from __future__ import annotations

import ast
import re
import shlex
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest
import tables
from support.processes import printed_by

from pytest_saliency_sanity.plugin.options import FLAGS, OPTIONS

NAMES = {each.flag for each in (*OPTIONS, *FLAGS)}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall((tables.ROOT / "docs" / "tutorial.md").read_text())
FILES = {text.partition("\n")[0].removeprefix("# "): text for language, text in BLOCKS if language == "python"}
RUNS = [
    pytest.param(command, shown, marks=() if "--saliency-check" in command else pytest.mark.slow)
    for (language, command), (_, shown) in pairwise(BLOCKS)
    if language == "sh" and command.startswith("pytest ")
]


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.stem)
def test_no_page_names_an_option_that_does_not_exist(page: Path) -> None:
    assert set(re.findall(r"--saliency-[a-z][a-z-]*", page.read_text())) <= NAMES


@pytest.mark.parametrize("page", tables.PAGES, ids=lambda page: page.stem)
def test_what_python_examples_import_exists(page: Path) -> None:
    for text in (text for language, text in BLOCK.findall(page.read_text()) if language == "python"):
        for each in ast.walk(ast.parse(text)):
            if isinstance(each, ast.ImportFrom) and (each.module or "").startswith("pytest_saliency_sanity"):
                module = import_module(str(each.module))
                assert [name.name for name in each.names if name.name != "*" and not hasattr(module, name.name)] == []


@pytest.mark.parametrize(("command", "shown"), RUNS)
def test_the_tutorials_commands_print_what_it_shows(command: str, shown: str, pytester: pytest.Pytester) -> None:
    for name, text in FILES.items():
        pytester.path.joinpath(name).write_text(text)
    result = pytester.runpytest_inprocess(*shlex.split(command)[1:])
    assert result.ret == ("mistaken" in command)
    assert lines_of(shown) <= lines_of(result.stdout.str())


def test_the_tutorials_program_prints_what_it_shows() -> None:
    _, shown = BLOCKS[BLOCKS.index(("python", FILES["first.py"])) + 1]
    assert lines_of(printed_by(FILES["first.py"])) == lines_of(shown)


def lines_of(text: str) -> set[str]:
    """The lines of an output, without what differs between machines and columns."""
    return {" ".join(re.sub(r"-?\d+(\.\d+)?", "N", line).split()) for line in text.splitlines()}
