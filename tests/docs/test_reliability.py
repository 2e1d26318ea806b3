"""Holds docs/reliability.md to the tests: each fault has one, and it exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"


def rows() -> list[list[str]]:
    faults = PAGE.read_text().partition("\n## Fuzzing\n")[0]
    lines = [line for line in faults.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if row[0] != "Fault"]


@cache
def defined_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def missing(cell: str) -> list[str]:
    """Return the tests that a cell names and that do not exist; the cell itself if it names none."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", cell)
    if not named:
        return [cell]
    return [f"{file}::{test}" for file, test in named if not (ROOT / file).exists() or test not in defined_in(file)]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_each_fault_has_a_test(row: list[str]) -> None:
    fault, outcome, test = row
    assert fault
    assert outcome
    assert not missing(test)


def test_no_fault_is_listed_twice() -> None:
    faults = [row[0] for row in rows()]
    assert len(faults) == len(set(faults))


@pytest.mark.parametrize("cell", ["none", "`tests/docs/test_reliability.py::test_that_does_not_exist`"])
def test_a_missing_test_is_noticed(cell: str) -> None:
    assert missing(cell)
