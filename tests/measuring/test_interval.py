"""A mean and its bounds."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_saliency_sanity.measuring.interval import Interval

NAN = np.nan


def test_an_interval_without_a_mean_is_not_defined() -> None:
    assert Interval(0.0, -1.0, 1.0).defined
    assert not Interval(NAN, NAN, NAN).defined


def test_half_of_its_width() -> None:
    assert Interval(0.1, -0.1, 0.5).half_width == pytest.approx(0.3)
    assert np.isnan(Interval(NAN, NAN, NAN).half_width)
