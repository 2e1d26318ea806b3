"""The text that says where measuring is spread to."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from pytest_saliency_sanity.foundation import backends
from pytest_saliency_sanity.foundation.backends import Backend, parse_backend


@pytest.fixture
def all_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: name)


@pytest.mark.usefixtures("all_installed")
@pytest.mark.parametrize(
    ("text", "backend"),
    [
        ("loky:4", Backend("loky", 4)),
        ("dask:tcp://host:8786", Backend("dask", address="tcp://host:8786")),
        ("ray", Backend("ray")),
        ("ray:2", Backend("ray", 2)),
    ],
)
def test_each_form_is_read_and_written_the_same(text: str, backend: Backend) -> None:
    assert parse_backend(text) == backend
    assert str(backend) == text


@pytest.mark.usefixtures("all_installed")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("loki:4", "unknown way to run in parallel 'loki'.*did you mean 'loky'"),
        ("", "unknown way to run in parallel ''"),
        ("loky", "'loky' is not of the form loky:N"),
        ("loky:0", "not of the form loky:N.*1 to 1024"),
        ("loky:9999999999999999999999", "1 to 1024"),
        ("loky:0000000019999", "1 to 1024"),
        ("loky:-1", "not of the form loky:N"),
        ("loky:\u0664", "not of the form loky:N"),
        ("ray:", "not of the form ray or ray:N"),
        ("dask", "not of the form dask:ADDRESS"),
        ("dask:a b", "not of the form dask:ADDRESS"),
    ],
)
def test_what_is_no_backend_is_told_what_is(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_backend(text)


@pytest.mark.parametrize(
    ("text", "package", "extra"),
    [
        ("loky:2", "joblib", "parallel"),
        ("dask:tcp://host:1", "distributed", "clusters"),
        ("ray", "ray", "clusters"),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, text: str, package: str, extra: str) -> None:
    def found(name: str) -> Any:
        return None if name == package else importlib.util.find_spec("json")

    monkeypatch.setattr(backends, "find_spec", found)
    with pytest.raises(ImportError, match=rf"needs {package}: pip install 'pytest-saliency-sanity\[{extra}\]'"):
        parse_backend(text)
