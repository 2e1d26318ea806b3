"""Signatures of whatever a user gives."""

from __future__ import annotations

import functools
import sys
from typing import Any

import pytest

from pytest_saliency_sanity.foundation.signatures import misfit, signature_of


def with_a_width(function: Any) -> Any:
    """Return a decorator that gives an argument itself, as those of configuration libraries do."""

    @functools.wraps(function)
    def given(**keywords: Any) -> Any:
        return function(3, **keywords)

    return given


@with_a_width
def network(width: int, depth: int = 1) -> int:
    return width * depth


def test_a_decorator_may_give_arguments_itself() -> None:
    decorated, own = signature_of(network), signature_of(network, decorated=False)
    assert decorated is not None
    assert list(decorated.parameters) == ["width", "depth"]
    assert own is not None
    assert list(own.parameters) == ["keywords"]


def test_what_does_not_fit_is_told() -> None:
    assert misfit(network) == ""  # the wrapper gives the width
    assert misfit(network.__wrapped__, width=3) == ""
    assert misfit(network.__wrapped__) == "missing a required argument: 'width'"
    assert misfit(network.__wrapped__, width=3, height=2) == "got an unexpected keyword argument 'height'"


def test_what_has_no_signature_has_none() -> None:
    assert signature_of(dict.update) is None or sys.version_info >= (3, 13)
    assert signature_of(3) is None


@pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated when a function is defined")
def test_annotations_are_not_looked_at() -> None:
    found: dict[str, Any] = {}
    exec("def network() -> missing.Module: ...", found)
    assert signature_of(found["network"]) is not None
