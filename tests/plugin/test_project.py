"""What a project's hooks give: names that can be asked for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.registry import set_given
from pytest_saliency_sanity.methods.resolve import resolve_method
from pytest_saliency_sanity.plugin.project import methods_of


@pytest.mark.parametrize("name", ["ends.", "a..b", "a.-b", "a.1", "plain", "x-1", "é"])
def test_a_name_that_the_hook_may_give_can_be_asked_for(name: str) -> None:
    # Either the hook refuses it, or it is a spec; not a name that exists and that nobody can write.
    implementation = SimpleNamespace(function=lambda: {name: sobel}, argnames=(), plugin_name="conftest.py")
    calls = SimpleNamespace(pytest_saliency_methods=SimpleNamespace(get_hookimpls=lambda: [implementation]))
    try:
        given = methods_of(SimpleNamespace(hook=calls, rootpath=Path("/")))  # type: ignore[arg-type]
    except pytest.UsageError:
        return
    before = set_given(given)
    try:
        assert resolve_method(name) is sobel
    finally:
        set_given(before)
