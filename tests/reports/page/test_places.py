"""Where a number, its bounds, its threshold and chance stand on the line of a question."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_saliency_sanity.checks.judging.result import StageVerdict
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.reports.page.places import LENGTH, MARGIN, Places, places_of

NAN, INF = np.nan, np.inf


def judged(mean: float, low: float, high: float, threshold: float = 0.5) -> StageVerdict:
    return StageVerdict("a", threshold, "passed", Interval(mean, low, high), 0, 10)


def test_a_line_goes_from_0_to_1() -> None:
    found = places_of(judged(0.25, 0.125, 0.375, 1.0), 0.0)
    assert found == Places(110.0, 60.0, 160.0, MARGIN + LENGTH, MARGIN)


def test_it_begins_at_minus_1_if_anything_is_negative() -> None:
    found = places_of(judged(0.0, -0.5, 0.5, 1.0), 0.0)
    assert found == Places(210.0, 110.0, 310.0, 410.0, 210.0)


@pytest.mark.parametrize(
    "number", [judged(7, 6, 8, 3), judged(-7, -8, -6, -3), judged(0.5, 0.4, 0.6, 20), judged(0.5, -4, 5, 0.5)]
)
@pytest.mark.parametrize("chance", [None, 0.05, 30.0, -30.0])
def test_everything_stands_on_the_line_in_its_order(number: StageVerdict, chance: float | None) -> None:
    found = places_of(number, chance)
    assert found is not None
    assert (found.chance is None) == (chance is None)
    places = [found.mean, found.low, found.high, found.threshold, *([] if found.chance is None else [found.chance])]
    numbers = [*number.interval, number.threshold, *([] if chance is None else [chance])]
    assert all(MARGIN <= place <= MARGIN + LENGTH for place in places)
    # What lies between two numbers lies between their places, in proportion.
    slope, start = np.polyfit(numbers, places, 1)
    assert slope > 0
    np.testing.assert_allclose(places, slope * np.array(numbers) + start, atol=0.1)


@pytest.mark.parametrize("interval", [(NAN, NAN, NAN), (0.5, NAN, 0.6), (0.5, 0.4, INF), (INF, 0.4, 0.6)])
def test_what_is_not_finite_has_no_place(interval: tuple[float, float, float]) -> None:
    assert places_of(judged(*interval), 0.05) is None


@pytest.mark.parametrize("chance", [NAN, INF, None])
def test_chance_that_is_unknown_has_no_place(chance: float | None) -> None:
    found = places_of(judged(0.5, 0.4, 0.6), chance)
    assert found is not None
    assert found.chance is None
