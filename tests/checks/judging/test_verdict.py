"""From SRCs to a verdict: which side of the threshold, with the whole interval, on enough that is defined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.maps import around

from pytest_saliency_sanity import SrcProfile
from pytest_saliency_sanity.checks.judging.result import StageVerdict, decisive
from pytest_saliency_sanity.checks.judging.verdict import LEAST_DEFINED, judge_stages
from pytest_saliency_sanity.checks.registry import MEAN_SRC, SIMILARITY
from pytest_saliency_sanity.foundation.limits import LEAST_IMAGES
from pytest_saliency_sanity.measuring.profile import Cause
from pytest_saliency_sanity.measuring.statistics import mean_interval


def profile_of(*stages: Any) -> SrcProfile:
    """A profile of hand-made tables ``(seeds, images)``, one a stage."""
    src = np.stack([np.asarray(table, dtype=float) for table in stages], 1)
    causes = np.where(np.isnan(src), Cause.CONSTANT_AFTER, 0)
    names = tuple(f"stage{i}" for i in range(len(stages)))
    return SrcProfile("method", "model", "absolute", 0, names, src, causes)


def alternating(mean: float, spread: float = 0.1, images: int = 20) -> np.ndarray:
    """One seed of SRCs with this mean, and an interval of about +- spread / 2."""
    return mean + spread * np.tile([-1.0, 1.0], images // 2)[None]


def verdict_of(table: Any, threshold: float = 0.5, *, above: bool = False, quantity: str = "") -> str:
    quantity = quantity or (MEAN_SRC if above else SIMILARITY)
    (judged,) = judge_stages(profile_of(table), threshold, above=above, quantity=quantity)
    return judged.verdict


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (0.0, "passed"),
        (0.4, "passed"),
        (-0.4, "passed"),
        (0.48, "inconclusive"),
        (0.5, "inconclusive"),
        (0.52, "inconclusive"),
        (-0.5, "inconclusive"),
        (0.6, "failed"),
        (-0.6, "failed"),
        (-0.9, "failed"),
    ],
)
def test_a_verdict_looks_at_the_whole_interval_of_the_similarity(mean: float, verdict: str) -> None:
    assert verdict_of(alternating(mean)) == verdict


def test_an_interval_that_reaches_the_threshold_does_not_pass() -> None:
    assert verdict_of(np.full((1, 20), 0.5), 0.5) == "failed"
    assert verdict_of(np.full((1, 20), np.nextafter(0.5, 0)), 0.5) == "passed"


def test_a_picture_that_only_flips_is_the_same_picture_and_for_another_class_it_is_another() -> None:
    flipping = np.where(np.arange(20) % 2, 0.9, -0.9)[None]
    assert verdict_of(flipping) == "failed"
    assert verdict_of(flipping, quantity=MEAN_SRC) == "passed"
    assert verdict_of(np.full((1, 20), -0.9)) == "failed"
    assert verdict_of(np.full((1, 20), -0.9), quantity=MEAN_SRC) == "passed"


def test_less_confidence_decides_earlier() -> None:
    profile = profile_of(alternating(0.46))
    assert [judge_stages(profile, 0.5, confidence)[0].verdict for confidence in (0.9, 0.95)] == [
        "passed",
        "inconclusive",
    ]


def test_fewer_than_the_least_images_are_undefined() -> None:
    table = np.full((3, 20), np.nan)
    table[:, : LEAST_IMAGES - 1] = 0.1
    assert verdict_of(table) == "undefined"
    table[0, LEAST_IMAGES - 1] = 0.1
    assert verdict_of(table) == "passed"


def test_fewer_srcs_than_the_least_share_are_undefined() -> None:
    table = np.full((10, 20), np.nan)
    table[0] = 0.9
    assert 1 / 10 < LEAST_DEFINED <= 2 / 10
    assert verdict_of(table) == "undefined"
    table[1] = 0.9
    assert verdict_of(table) == "failed"


def test_no_src_at_all_is_undefined_whatever_the_threshold() -> None:
    assert verdict_of(np.full((3, 20), np.nan), 1.0) == "undefined"


def test_a_verdict_carries_what_it_rests_on() -> None:
    table = alternating(0.2)
    table[0, 3] = np.nan
    (judged,) = judge_stages(profile_of(table), 0.5)
    assert judged == StageVerdict("stage0", 0.5, "passed", profile_of(table).similarity("stage0"), 1, 20)


def test_each_stage_can_have_its_own_threshold() -> None:
    profile = profile_of(alternating(0.4), alternating(0.4), alternating(0.4))
    judged = judge_stages(profile, {"stage0": 0.5, "stage1": 0.4, "stage2": 0.3})
    assert [(each.verdict, each.threshold) for each in judged] == [
        ("passed", 0.5),
        ("inconclusive", 0.4),
        ("failed", 0.3),
    ]


NOTHING = np.full((1, 20), np.nan)


@pytest.mark.parametrize(
    ("tables", "decides"),
    [
        ([alternating(0.1), alternating(0.3), alternating(0.2)], "stage1"),
        ([alternating(0.1), alternating(0.5), alternating(0.3)], "stage1"),
        ([alternating(0.5), NOTHING, alternating(0.3)], "stage1"),
        ([alternating(0.1), NOTHING, alternating(0.7)], "stage2"),
        ([alternating(0.7), alternating(0.9), alternating(0.8)], "stage1"),
        ([alternating(0.7), alternating(-0.9), alternating(0.8)], "stage1"),
    ],
    ids=["passed", "inconclusive", "undefined", "failed", "the worst failed", "by its absolute value"],
)
def test_the_worst_stage_decides(tables: list[np.ndarray], decides: str) -> None:
    for order in (tables, tables[::-1]):
        profile = profile_of(*order)
        expected = decides if order is tables else f"stage{2 - int(decides[-1])}"
        assert decisive(judge_stages(profile, 0.5)).stage == expected


def test_with_thresholds_of_their_own_the_stage_furthest_above_its_own_decides() -> None:
    judged = judge_stages(profile_of(alternating(0.9), alternating(0.7)), {"stage0": 0.8, "stage1": 0.2})
    assert [each.verdict for each in judged] == ["failed", "failed"]
    assert decisive(judged).stage == "stage1"


@pytest.mark.parametrize(
    ("src", "threshold", "above", "below"),
    [
        (around(0.9, 0.05), 0.5, "passed", "failed"),
        (around(0.1, 0.05), 0.5, "failed", "passed"),
        (around(0.5, 0.4), 0.5, "inconclusive", "inconclusive"),
        # The sign counts above, where the mean SRC is judged, and does not below, where the similarity is.
        (around(-0.9, 0.05), 0.5, "failed", "failed"),
        (around(-0.1, 0.05), 0.5, "failed", "passed"),
        # Exactly at the threshold is not on the right side of it.
        (np.full((3, 20), 0.5), 0.5, "failed", "failed"),
        (np.full((3, 20), 0.5), np.nextafter(0.5, 0), "passed", "failed"),
        (np.full((3, 20), 0.5), np.nextafter(0.5, 1), "failed", "passed"),
        (np.full((1, 20), 1.0), 0.98, "passed", "failed"),
        (np.full((3, LEAST_IMAGES - 1), 0.9), 0.5, "undefined", "undefined"),
        (np.full((3, LEAST_IMAGES), 0.9), 0.5, "passed", "failed"),
        (np.full((3, 20), np.nan), 0.5, "undefined", "undefined"),
    ],
)
def test_judged_above_and_below(src: np.ndarray, threshold: float, above: str, below: str) -> None:
    assert verdict_of(src, threshold, above=True) == above
    assert verdict_of(src, threshold, above=False) == below


def test_the_bounds_of_the_interval_themselves_decide() -> None:
    src = around(0.8, 0.1)
    low, high = mean_interval(src, 0.95)[1:]
    assert verdict_of(src, low, above=True) == "inconclusive"
    assert verdict_of(src, np.nextafter(low, 0), above=True) == "passed"
    assert verdict_of(src, high, above=True) == "failed"
    assert verdict_of(src, np.nextafter(high, 0), above=True) == "inconclusive"


@pytest.mark.parametrize(("defined", "found"), [(11, "undefined"), (12, "passed")])
def test_a_fifth_of_the_srcs_must_be_defined(defined: int, found: str) -> None:
    src = np.full(60, np.nan)
    src[:defined] = 0.9
    assert verdict_of(src[None], 0.5, above=True) == found


@pytest.mark.parametrize("above", [False, True])
def test_the_excess_is_how_far_the_mean_is_on_the_wrong_side(above: bool) -> None:
    (judged,) = judge_stages(profile_of(np.full((3, 20), 0.75)), 0.5, above=above, quantity=MEAN_SRC)
    assert judged.excess == pytest.approx(-0.25 if above else 0.25)
