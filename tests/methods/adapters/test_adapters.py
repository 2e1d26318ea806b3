"""The libraries that are known, and what installs them."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_saliency_sanity.foundation.imports import import_attribute
from pytest_saliency_sanity.methods.adapters import LIBRARIES, missing


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert {library.extra for library in LIBRARIES.values()} <= set(project["optional-dependencies"])


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_has_an_adapter_of_its_own_and_is_installed_for_the_tests(name: str) -> None:
    adapter = import_attribute(LIBRARIES[name].adapter)
    assert adapter.__module__.rpartition(".")[2] == name
    assert find_spec(LIBRARIES[name].package)


def test_what_is_missing_is_said_with_the_command_that_installs_it() -> None:
    said = "grad_cam:GradCAM needs grad-cam: pip install 'pytest-saliency-sanity[grad-cam]'"
    assert missing("grad_cam:GradCAM", LIBRARIES["grad_cam"]) == said
