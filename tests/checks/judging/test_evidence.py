"""Evidence: the maps that can be shown side by side, and numbers as JSON has them."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_saliency_sanity.checks.judging.evidence import Evidence, Point, finite
from pytest_saliency_sanity.measuring.interval import Interval

NO_MAP, ONE = np.zeros((0, 3, 3), "f4"), np.zeros((1, 3, 3), "f4")


@pytest.mark.parametrize(
    ("maps", "has_maps"),
    [({}, False), ({"trained": ONE}, True), ({"trained": ONE, "fc": NO_MAP}, False), ({"fc": NO_MAP}, False)],
)
def test_maps_can_be_shown_if_there_is_one_of_every_stage(maps: dict[str, np.ndarray], has_maps: bool) -> None:
    assert Evidence(maps=maps).has_maps is has_maps


def test_what_is_not_said_of_a_point_was_not_counted() -> None:
    interval = Interval(0.1, 0.0, 0.2)
    assert Point("fc", "SRC", "signed", interval) == Point("fc", "SRC", "signed", interval, (), 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("value", "kept"), [(0.5, 0.5), (0.0, 0.0), (float("nan"), None), (float("inf"), None), (None, None)]
)
def test_what_json_has_no_number_for_is_none(value: float | None, kept: float | None) -> None:
    assert finite(value) == kept
    assert finite(np.float64(value)) == kept if value is not None else True
