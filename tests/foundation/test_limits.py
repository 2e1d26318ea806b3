"""The ranges of the numbers that users give."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from pytest_saliency_sanity.foundation.limits import (
    LEAST_IMAGES,
    is_number,
    require_confidence,
    require_enough_images,
    require_share,
    require_threshold,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((0, True), (1.5, True), (NAN, True), (np.float64(0.5), True)),
        *((True, False), ("0.5", False), (None, False), (1j, False), (Fraction(1, 2), False)),
    ],
)
def test_what_is_a_number(value: object, number: bool) -> None:
    assert is_number(value) == number


def test_an_interval_needs_enough_images() -> None:
    require_enough_images(LEAST_IMAGES)
    with pytest.raises(ValueError, match=f"at least {LEAST_IMAGES} images; the batch has {LEAST_IMAGES - 1}"):
        require_enough_images(LEAST_IMAGES - 1)


@pytest.mark.parametrize(
    ("require", "allowed", "refused"),
    [
        (require_threshold, [1e-9, 0.5, 1, 1.0], [0, -0.1, 1.001, NAN]),
        (require_share, [1e-9, 0.5, 0.999], [0, -0.1, 1, 1.0, NAN]),
        (require_confidence, [1e-9, 0.95, 0.999], [0, -0.1, 1, 95.0, NAN]),
    ],
)
def test_what_is_out_of_range_is_an_error_that_shows_it(
    require: Callable[[object], None], allowed: list[object], refused: list[object]
) -> None:
    for value in allowed:
        require(value)
    for value in refused:
        with pytest.raises(ValueError, match=f"not {value}"):
            require(value)
    for value in ("0.5", None, True):
        with pytest.raises(TypeError, match=f"must be a number .*, not {value!r}"):
            require(value)


def test_a_threshold_is_named_as_the_user_knows_it() -> None:
    with pytest.raises(ValueError, match="saliency_threshold must be above 0 and at most 1, not 2"):
        require_threshold(2, "saliency_threshold")
