"""How maps are read: what may be chosen."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_saliency_sanity.foundation.reading import Reading


def test_maps_are_read_as_they_are_given() -> None:
    assert Reading() == Reading("signed", "normal", 0.95)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sign": "absolut"}, "unknown sign 'absolut'.*did you mean 'absolute'.*allowed: signed, absolute"),
        ({"law": "norml"}, "unknown law 'norml'.*did you mean 'normal'.*allowed: normal, reinit, permute, match"),
        ({"confidence": 95}, "confidence must be between 0 and 1, not 95"),
    ],
)
def test_what_does_not_exist_is_an_error_that_says_what_does(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Reading(**wrong)
