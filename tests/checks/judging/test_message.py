"""What a verdict looks like to a reader."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.checks.judging.message import bar


@pytest.mark.parametrize(
    ("mean", "threshold", "drawn"),
    [
        (0.0, 0.5, "..........|.........."),
        (-0.5, None, "...................."),
        (1.0, 0.75, "###############|#####"),
        (float("nan"), 0.1, "..|.................."),
        (1.0, 1.0, "####################|"),
    ],
)
def test_a_bar_shows_the_value_and_the_threshold(mean: float, threshold: float | None, drawn: str) -> None:
    assert bar(mean, threshold) == drawn
