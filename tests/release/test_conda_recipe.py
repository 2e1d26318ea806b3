"""The conda recipe asks for what pyproject.toml asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
# The one place that names what conda-forge calls differently.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "ray": "ray-core", "torch": "pytorch"}
# Extras that are no part of what users install: ours, and those that only name other extras.
USERS = ("captum", "grad-cam", "torchcam", "zennit", "imagenet", "report", "parallel", "similarity", "clusters")
OURS = {"action", "all", "dev", "docs", "examples", "mutation", "performance", "test"}


@pytest.fixture(scope="module")
def recipe() -> Any:
    return yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))


def as_conda(line: str) -> str:
    """A requirement of pyproject.toml as conda writes it."""
    wanted = Requirement(line)
    return f"{CONDA_NAMES.get(wanted.name, wanted.name)} {wanted.specifier}"


def test_a_recipe_that_lacks_a_dependency_would_be_noticed() -> None:
    assert as_conda("torch>=2.5") == "pytorch >=2.5"
    assert as_conda("numpy>=1.26") != "numpy >=1.25"


def test_it_runs_with_what_the_package_runs_with(recipe: Any) -> None:
    python = f"python {PROJECT['requires-python']}"
    assert recipe["requirements"]["run"] == [python, *map(as_conda, PROJECT["dependencies"])]


def test_it_is_built_with_what_the_package_is_built_with(recipe: Any) -> None:
    needed = map(as_conda, PYPROJECT["build-system"]["requires"])
    assert recipe["requirements"]["host"] == [f"python {PROJECT['requires-python']}", "pip", *needed]


def test_it_constrains_what_the_extras_of_users_ask_for(recipe: Any) -> None:
    extras = PROJECT["optional-dependencies"]
    assert extras.keys() == {*USERS, *OURS}  # a new extra belongs to one of them
    lines = [line for extra in USERS for line in extras[extra] if Requirement(line).name != PROJECT["name"]]
    assert recipe["requirements"]["run_constraints"] == list(map(as_conda, lines))


def test_it_says_of_the_project_what_pyproject_says(recipe: Any) -> None:
    about = recipe["about"]
    assert about["summary"] == PROJECT["description"]
    assert about["license"] == PROJECT["license"]
    assert [about["license_file"]] == PROJECT["license-files"]
    urls = PROJECT["urls"]
    said = [about[key] for key in ("homepage", "repository", "documentation")]
    assert said == [urls[key] for key in ("Homepage", "Repository", "Documentation")]
    assert recipe["package"]["name"] == PROJECT["name"]


def test_rattler_build_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rattler = pytest.importorskip("rattler_build", reason="needs py-rattler-build, which builds packages for conda")
    monkeypatch.setenv("VERSION", "7.8.9")
    monkeypatch.setenv("SHA256", "0" * 64)
    recipe = rattler.Stage0Recipe.from_file(str(ROOT / "conda" / "recipe.yaml"))
    (rendered,) = recipe.render(rattler.VariantConfig())
    found = rendered.recipe.to_dict()
    assert found["package"] == {"name": PROJECT["name"], "version": "7.8.9"}
    assert found["source"][0]["url"].endswith("/v7.8.9/pytest_saliency_sanity-7.8.9.tar.gz")
    assert found["build"]["noarch"] == "python"
