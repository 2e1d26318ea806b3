"""Objects by their import path."""

from __future__ import annotations

import json.decoder
import os.path

import pytest

from pytest_saliency_sanity.foundation.imports import import_attribute


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("json.decoder:JSONDecoder", json.decoder.JSONDecoder),
        ("json.decoder:JSONDecoder.decode", json.decoder.JSONDecoder.decode),
        ("os:path.join", os.path.join),
        ("builtins:len", len),
    ],
)
def test_a_path_leads_to_the_object_itself(path: str, found: object) -> None:
    assert import_attribute(path) is found


@pytest.mark.parametrize("path", ["", ":", "json", "json:", ":loads"])
def test_another_form_is_an_error_that_shows_it(path: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form 'package\.module:attribute'") as raised:
        import_attribute(path)
    assert repr(path) in str(raised.value)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("no_such_package:x", "No module named 'no_such_package'"),
        ("json.no_such_module:x", "No module named 'json.no_such_module'"),
        ("json:nothing", "module 'json' has no attribute 'nothing'"),
        ("json.decoder:JSONDecoder.nothing", "module 'json.decoder' has no attribute 'JSONDecoder.nothing'"),
    ],
)
def test_what_does_not_exist_is_an_import_error(path: str, told: str) -> None:
    with pytest.raises(ImportError, match=told):
        import_attribute(path)
