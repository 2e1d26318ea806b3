"""How a check and its variant are named together, and taken apart again."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.foundation.ids import split_variant, with_variant


@pytest.mark.parametrize(
    ("check", "variant", "text"),
    [("symmetry", "rescaling", "symmetry[rescaling]"), ("contract", "", "contract"), ("a", "b-c", "a[b-c]")],
)
def test_what_is_put_together_comes_apart(check: str, variant: str, text: str) -> None:
    assert with_variant(check, variant) == text
    assert split_variant(text) == (check, variant)
