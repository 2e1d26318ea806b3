"""The libraries that are known, what installs them, and how another package adds one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from support.methods import IMAGES, TARGETS
from support.packages import Install
from torch import nn

from pytest_saliency_sanity import resolve_method
from pytest_saliency_sanity.foundation.imports import import_attribute
from pytest_saliency_sanity.methods.adapters import LIBRARIES, missing

OURS = [name for name, source in LIBRARIES.sources().items() if source.is_built_in]
THEIRS = """
import torch
from pytest_saliency_sanity.methods.adapters import Library

def make(spec):
    value = spec.keywords.get("value", 1.0)
    return lambda model, images, targets: torch.full((len(images), 2, 2), value)

library = Library("theirs", "theirlibrary", "their-library", "theirlibrary:make", "pip install their-library")
absent = Library("absent", "no_such_package", "no-such", "nowhere:make", "conda install no-such")
"""


def test_the_extras_are_those_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert {LIBRARIES.named(name).extra for name in OURS} <= set(project["optional-dependencies"])


@pytest.mark.parametrize("name", OURS)
def test_every_library_has_an_adapter_of_its_own_and_is_installed_for_the_tests(name: str) -> None:
    library = LIBRARIES.named(name)
    assert library.is_installed
    assert import_attribute(library.adapter).__module__.rpartition(".")[2] == name


def test_what_is_missing_is_said_with_the_command_that_installs_it() -> None:
    said = "grad_cam:GradCAM needs grad-cam: pip install 'pytest-saliency-sanity[grad-cam]'"
    assert missing("grad_cam:GradCAM", LIBRARIES.named("grad_cam")) == said


def test_another_packages_adapter_makes_methods_of_its_classes(install: Install) -> None:
    install("their-package", LIBRARIES.group, {"theirlibrary": THEIRS}, theirs="theirlibrary:library")
    method = resolve_method("theirs:Anything?value=2.5")
    assert method(nn.Identity(), IMAGES, TARGETS).unique().tolist() == [2.5]


def test_another_packages_library_that_is_missing_names_its_own_command(install: Install) -> None:
    install("their-package", LIBRARIES.group, {"theirlibrary": THEIRS}, absent="theirlibrary:absent")
    with pytest.raises(ImportError, match=r"^absent:Anything needs no-such: conda install no-such$"):
        resolve_method("absent:Anything")
