"""Where something happens is told by the user's own code, however deep libraries are called from there."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from pytest_saliency_sanity import load_batch
from pytest_saliency_sanity.foundation import places

OWN = """
import json

def explain(text):
    return json.loads(text)

def deeper(text):
    return [explain(each) for each in [text]]
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    spec = spec_from_file_location("own", tmp_path / "own.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_the_innermost_line_of_the_user_s_own_code(own: ModuleType) -> None:
    with pytest.raises(json.JSONDecodeError) as raised:
        own.deeper("{")
    assert places.raised_in(raised.value) == "own.py:5, explain"


def test_a_file_elsewhere_is_told_with_its_folder(own: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path.cwd()
    monkeypatch.chdir("/")
    with pytest.raises(json.JSONDecodeError) as raised:
        own.explain("{")
    assert places.raised_in(raised.value) in (f"{folder}/own.py:5, explain", f"{folder}/own.py:5, explain"[1:])


def test_python_installed_packages_and_this_one_are_not_the_user_s() -> None:
    for module in (json, pytest, sys.modules[load_batch.__module__]):
        assert module.__file__
        assert not places.is_own(module.__file__)
    assert not places.is_own("<frozen importlib._bootstrap>")
    assert places.is_own(__file__)


def test_an_error_that_no_code_of_the_user_s_raised_has_no_place() -> None:
    with pytest.raises(json.JSONDecodeError) as raised:
        json.loads("{")
    assert raised.value.__traceback__
    raised.value.__traceback__ = raised.value.__traceback__.tb_next  # without this file
    assert places.raised_in(raised.value) == ""
