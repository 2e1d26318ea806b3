"""Every command that README and docs show works: pytest's collect what they say, ours are parsed, others are known.

``test_commands_run.py`` runs them; it takes minutes.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import tables
from support.commands import PAGES, commands_of, write_project

from pytest_saliency_sanity.__main__ import parser
from pytest_saliency_sanity.foundation.imports import import_attribute

# What is not ours: that these exist is for others to test.
OTHERS = (
    "pip",
    "git",
    "dask",
    "ruff",
    "mypy",
    "typos",
    "pre-commit",
    "mkdocs",
    "export",
    "python3",
    "python -m pip",
    ".",
)
COMMANDS = commands_of(PAGES)


def starting(*program: str) -> list[list[str]]:
    """Return the arguments of the commands that run a program."""
    return [words[len(program) :] for words in COMMANDS.values() if words[: len(program)] == list(program)]


PYTEST = [
    each
    for each in (*starting("pytest"), *starting("python", "-m", "pytest"))
    if any("saliency-method" in word for word in each)
]
OURS = starting("python", "-m", "pytest_saliency_sanity")


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """A project that has what the commands name."""
    write_project(pytester.path)
    return pytester.path


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("words", PYTEST, ids=" ".join)
def test_a_command_of_pytest_collects_the_suite(words: list[str], pytester: pytest.Pytester) -> None:
    # A cluster is another test's, which has one: tests/end_to_end/test_clusters.py.
    clusters = ("--saliency-parallel=dask:", "--saliency-parallel=ray")
    given = [word.replace("=...", "=gradcam") for word in words if word != "-v" and not word.startswith(clusters)]
    result = pytester.runpytest_inprocess(*given, "--collect-only", "-q", "-p", "no:randomly")
    assert result.ret == pytest.ExitCode.OK
    assert any(line.startswith("saliency-sanity::") for line in result.outlines)


def test_there_are_commands_of_pytest() -> None:
    assert len(PYTEST) > 15


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_a_command_of_ours_is_one(words: list[str]) -> None:
    options = parser().parse_args(words)
    assert callable(import_attribute(f"pytest_saliency_sanity.{options.does}"))


def test_a_command_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["doktor"])


def test_programs_of_this_repository_exist() -> None:
    named = {words[1] for words in COMMANDS.values() if words[0] == "python" and words[1] != "-m"}
    assert sorted(name for name in named if not (tables.ROOT / name).is_file()) == []
    assert named


def test_sessions_of_nox_exist() -> None:
    tree = ast.parse((tables.ROOT / "noxfile.py").read_text())
    sessions = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    named = {re.sub(r"[-(].*", "", word) for words in starting("nox", "-s") for word in words if "/" not in word}
    assert named - {"", "--"} <= sessions


def test_every_other_command_is_of_a_program_that_is_known() -> None:
    ours = (
        "pytest",
        "python -m pytest",
        "python -m pytest_saliency_sanity",
        "python benchmarks/",
        "python docs/",
        "nox",
    )
    known = (*ours, *OTHERS, "cd pytest-saliency-sanity")
    assert [each for each in COMMANDS if not each.startswith(known)] == []


def test_help_fits_80_columns(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = pytester.runpytest_inprocess("--help").outlines
    ours = shown[shown.index("saliency sanity checks:") :]
    texts = [*ours[: ours.index("")], *(line for each in every(parser()) for line in each.format_help().splitlines())]
    assert len(texts) > 100
    assert [line for line in texts if len(line) > 80] == []


def every(command: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield command
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from every(each)
