"""The simulation of looks judges tables as the checks do."""

from __future__ import annotations

import numpy as np
import pytest
from stopping import SCENARIOS, Scenario, estimate

from pytest_saliency_sanity.measuring.looks import Look
from pytest_saliency_sanity.measuring.statistics import mean_interval


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
@pytest.mark.parametrize("size", [Look(10, 1), Look(12, 4), Look(30, 8)], ids=str)
def test_many_tables_at_once_have_the_intervals_of_each_alone(scenario: Scenario, size: Look) -> None:
    tables = scenario.tables(np.random.default_rng(0), 5, size) / 100
    found = estimate(tables)
    for table, mean, half in zip(tables, found.mean, found.half_width(0.95), strict=True):
        alone = mean_interval(table)
        if alone.defined:
            assert (alone.mean, alone.half_width) == pytest.approx((mean, half), abs=1e-12)
