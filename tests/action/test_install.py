"""What the action installs."""

from __future__ import annotations

import re
import sys

import pytest
from support.action import ROOT, Runner

# A pip that shows what it was asked for; anything else goes to Python.
PIP = """#!/bin/sh
case "$*" in
  "-m pip "*) echo "$@"; cat ./.saliency-requirements-* 2> /dev/null || true ;;
  *) exec "{python}" "$@" ;;
esac
"""


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, rf"{re.escape(str(ROOT))}\[report\]\n"),
        ({"PACKAGE": "a[b] >= 1", "INDEX": "https://x.y"}, r"a\[b\] >= 1 --extra-index-url https://x\.y\n"),
        ({"PACKAGE": "none", "REQUIREMENTS": "-e .\n$(id)"}, r"--requirement \./\S+\n-e \.\n\$\(id\)\n"),
    ],
    ids=["usual", "another", "none"],
)
def test_it_asks_pip_once_for_all(given: dict[str, str], asked: str, runner: Runner) -> None:
    runner.put("python", PIP.format(python=sys.executable))
    done = runner.script("install.sh", **given)
    assert done.status == 0, done.printed
    assert re.fullmatch(f"-m pip --disable-pip-version-check install {asked}", done.printed)
    assert list(runner.folder.iterdir()) == []


def test_an_option_is_no_package(runner: Runner) -> None:
    done = runner.script("install.sh", PACKAGE="--index-url=https://x.y")
    assert (done.status, "the input package is '--index-url=https://x.y'" in done.printed) == (2, True)


@pytest.mark.slow
def test_what_it_installs_can_be_imported_and_nothing_is_said_to_be_missing(runner: Runner) -> None:
    venv, wheels = runner.folder.parent / "venv", runner.folder.parent / "wheels"
    built = runner.run(f'python -m pip wheel --quiet --no-deps --wheel-dir "{wheels}" "{ROOT}"', {})
    if "No matching distribution found" in built.printed:
        pytest.skip("no package registry can be reached")
    assert built.status == 0, built.printed
    (wheel,) = wheels.iterdir()
    assert runner.run(f'"{sys.executable}" -m venv "{venv}"', {}).status == 0
    runner.put("python", f'#!/bin/sh\nunset PYTHONPATH\nexec "{venv}/bin/python" "$@"\n')

    done = runner.script("install.sh", PACKAGE="none")
    assert done.status == 2
    assert "::error title=pytest-saliency-sanity::pytest-saliency-sanity is not installed: leave" in done.printed
    done = runner.script("install.sh", PACKAGE=str(wheel), PIP_NO_DEPS="1", PIP_NO_INDEX="1")
    assert done.status == 0, done.printed
    found = runner.run("python -c 'import pytest_saliency_sanity as it; print(it.__file__)'", {}).printed
    assert found.startswith(str(venv))
