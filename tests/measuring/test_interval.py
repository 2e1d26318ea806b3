"""Intervals of a mean, and of its magnitude."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.properties import quick

from pytest_saliency_sanity.measuring.interval import Interval

NAN = np.nan


@pytest.mark.parametrize(
    ("interval", "absolute"),
    [
        ((0.4, 0.3, 0.5), (0.4, 0.3, 0.5)),
        ((-0.4, -0.5, -0.3), (0.4, 0.3, 0.5)),
        ((0.1, -0.2, 0.4), (0.1, 0.0, 0.4)),
        ((-0.1, -0.4, 0.2), (0.1, 0.0, 0.4)),
        ((0.2, 0.0, 0.4), (0.2, 0.0, 0.4)),
        ((-0.2, -0.4, 0.0), (0.2, 0.0, 0.4)),
        ((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)),
        ((-0.9, -0.95, -0.85), (0.9, 0.85, 0.95)),
    ],
)
def test_the_absolute_interval(interval: tuple[float, ...], absolute: tuple[float, ...]) -> None:
    assert Interval(*interval).absolute() == absolute


def test_the_absolute_interval_of_nan_is_nan() -> None:
    assert np.isnan(Interval(NAN, NAN, NAN).absolute()).all()


@settings(quick)
@given(ends=st.lists(st.floats(-1, 1), min_size=3, max_size=3).map(sorted), share=st.floats(0, 1))
def test_the_absolute_interval_holds_the_magnitude_of_all_that_the_interval_holds(
    ends: list[float], share: float
) -> None:
    low, mean, high = ends
    absolute = Interval(mean, low, high).absolute()
    assert absolute == Interval(-mean, -high, -low).absolute()
    assert 0 <= absolute.low <= absolute.mean <= absolute.high
    inside = min(high, max(low, low + share * (high - low)))
    assert absolute.low <= abs(inside) <= absolute.high
    assert absolute.high in (abs(low), abs(high))


def test_an_interval_without_a_mean_is_not_defined() -> None:
    assert Interval(0.0, -1.0, 1.0).defined
    assert not Interval(NAN, NAN, NAN).defined
