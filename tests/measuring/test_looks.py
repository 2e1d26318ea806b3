"""Looks: how large they are, how sure each must be, and by simulation that all together are wrong in at most 5 %."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.properties import quick

from pytest_saliency_sanity.measuring.looks import (
    Look,
    Looking,
    confidence_at,
    has_few_images,
    looking,
    looks_for,
    with_one_more,
)
from pytest_saliency_sanity.measuring.statistics import mean_interval

NAN = np.nan
EIGHT = ((10, 8), (40, 8), (80, 16), (160, 32))
FOUR = ((10, 4), (40, 4), (80, 8), (160, 16))
ONE = ((10, 1), (40, 1), (160, 1), (640, 1))


@pytest.mark.parametrize(("draws", "looks"), [(8, EIGHT), (24, EIGHT), (4, FOUR), (3, FOUR), (1, ONE)])
def test_looks_with_many_images(draws: int, looks: tuple[tuple[int, int], ...]) -> None:
    assert looks_for(1000, draws) == looks


@pytest.mark.parametrize(
    ("most_images", "draws", "looks"),
    [
        (10, 8, ((10, 8), (10, 16), (10, 32))),
        (40, 8, ((10, 8), (40, 8), (40, 16), (40, 32))),
        (100, 4, ((10, 4), (40, 4), (80, 8), (100, 16))),
        (10, 1, ((10, 1),)),
        (100, 1, ((10, 1), (40, 1), (100, 1))),
    ],
)
def test_with_few_images_there_are_no_looks_that_would_not_grow(
    most_images: int, draws: int, looks: tuple[tuple[int, int], ...]
) -> None:
    assert looks_for(most_images, draws) == looks


@quick
@given(most_images=st.integers(10, 2000), draws=st.integers(1, 64))
def test_each_look_contains_the_one_before_and_is_larger(most_images: int, draws: int) -> None:
    looks = looks_for(most_images, draws)
    for before, after in pairwise(looks):
        assert before.images <= after.images
        assert before.draws <= after.draws
        assert before.explanations < after.explanations
    assert looks[0].images == 10
    assert looks[-1].images <= most_images
    assert {look.draws for look in looks} == {1} if draws == 1 else looks[0].draws >= 4


def test_a_fixed_plan_is_one_look_under_the_usual_draws() -> None:
    assert looks_for(1000, 24, fixed=40) == (Look(40, 24),)
    assert looks_for(12, 8, fixed=40) == (Look(12, 8),)


@pytest.mark.parametrize(("most_images", "fixed"), [(9, None), (100, 9)])
def test_fewer_than_ten_images_are_an_error(most_images: int, fixed: int | None) -> None:
    with pytest.raises(ValueError, match="at least 10 images; the batch has 9"):
        looks_for(most_images, 8, fixed=fixed)


def test_no_draws_and_no_looks_are_errors() -> None:
    with pytest.raises(ValueError, match="draws must be at least 1, not 0"):
        looks_for(100, 0)
    with pytest.raises(ValueError, match="looks must be at least 1, not 0"):
        confidence_at(0.95, 0)


@pytest.mark.parametrize("confidence", [0, 1, 1.5])
def test_a_confidence_that_is_none_is_an_error(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        confidence_at(confidence, 4)


@pytest.mark.parametrize("looks", [1, 2, 4])
def test_the_errors_of_all_looks_add_up_to_the_allowed_ones(looks: int) -> None:
    assert looks * (1 - confidence_at(0.95, looks)) == pytest.approx(0.05)


def test_only_looks_that_can_still_get_more_images_have_few() -> None:
    def few(looks: tuple[Look, ...]) -> list[bool]:
        return [has_few_images(look, looks) for look in looks]

    assert few(looks_for(1000, 8)) == [True, False, False, False]
    assert few(looks_for(20, 8)) == [True, False, False, False]
    assert few(looks_for(10, 8)) == [False, False, False]
    assert few(looks_for(1000, 8, fixed=12)) == [False]


def test_a_quick_method_takes_all_looks_each_as_sure_as_all_together_need() -> None:
    assert looking(1000, 8, 0.95) == Looking(looks_for(1000, 8), confidence_at(0.95, 4), short=False)


def test_a_fixed_plan_has_the_confidence_that_is_asked_for_however_slow_the_method_is() -> None:
    assert looking(1000, 8, 0.95, fixed=40, seconds=9.0) == ((Look(40, 8),), 0.95, False)


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        (120 / 5120, 4),  # the fourth look has 160 images under 32 draws; it takes two minutes
        (np.nextafter(120 / 5120, 1), 3),
        (120 / 1280, 3),
        (np.nextafter(120 / 1280, 1), 2),
        (0.25, 2),  # 320 explanations take 80 seconds
    ],
)
def test_looks_that_take_more_than_two_minutes_are_left_out(seconds: float, count: int) -> None:
    found = looking(1000, 8, 0.95, seconds=seconds)
    assert found == (looks_for(1000, 8)[:count], confidence_at(0.95, 4), count < 4)
    assert not found.is_least


@pytest.mark.parametrize(("draws", "least"), [(24, Look(10, 4)), (8, Look(10, 4)), (3, Look(10, 3)), (1, Look(10, 1))])
def test_a_method_of_more_than_a_quarter_of_a_second_is_asked_for_one_look(draws: int, least: Look) -> None:
    found = looking(1000, draws, 0.95, seconds=np.nextafter(0.25, 1))
    assert (found.looks, found.level, found.short, found.is_least) == ((least,), 0.95, True, True)


def test_a_single_look_is_not_the_least_if_nothing_was_left_out() -> None:
    assert not looking(10, 1, 0.95).is_least
    assert len(looking(10, 1, 0.95).looks) == 1


@pytest.mark.parametrize(("images", "few"), [(39, True), (40, False)])
def test_forty_images_are_not_few(images: int, few: bool) -> None:
    assert has_few_images(Look(images, 8), (Look(images, 8), Look(1000, 8))) == few


def test_one_more_image_is_far_away_under_each_draw_of_which_anything_is_defined() -> None:
    values = np.array([[0.2, NAN], [NAN, NAN], [0.4, 0.6]])
    np.testing.assert_array_equal(with_one_more(values, 1.0), [[0.2, NAN, 1.0], [NAN, NAN, NAN], [0.4, 0.6, 1.0]])
    assert with_one_more(np.zeros((5, 3, 2)), 1.0).shape == (5, 3, 3)


Tables = Callable[[np.random.Generator, Look], np.ndarray]


def crossed(generator: np.random.Generator, size: Look) -> np.ndarray:
    """Return numbers of mean 0.5 whose images, draws and residuals vary alike."""
    of_images, of_draws = generator.normal(size=(1, size.images)), generator.normal(size=(size.draws, 1))
    return 0.5 + (of_images + of_draws + generator.normal(size=(size.draws, size.images))) * 0.05


def of_one_version(generator: np.random.Generator, size: Look) -> np.ndarray:
    """Return numbers of mean 0.5, one for each image."""
    return 0.5 + generator.normal(size=(1, size.images)) * 0.1


def crowded(generator: np.random.Generator, size: Look) -> np.ndarray:
    """Return numbers of mean 0.95: nine of ten images are at 1, the tenth at 0.5."""
    return np.where(generator.random((1, size.images)) < 0.1, 0.5, 1.0) * np.ones((size.draws, 1))


def side_of(values: np.ndarray, threshold: float, confidence: float) -> int:
    _, low, high = mean_interval(values, confidence)
    return 1 if low > threshold else -1 if high < threshold else 0


def share_decided(
    tables: Tables, looks: Sequence[Look], threshold: float, confidence: float, *, guarded: bool, runs: int
) -> float:
    """Return in how many of the runs any look is on a side of the threshold."""
    generator = np.random.default_rng(0)
    decided = 0
    for _ in range(runs):
        table = tables(generator, looks[-1])
        for look in looks:
            values = table[: look.draws, : look.images]
            side = side_of(values, threshold, confidence)
            if side and guarded and has_few_images(look, looks):
                side *= side == side_of(with_one_more(values, float(side < 0)), threshold, confidence)
            if side:
                decided += 1
                break
    return decided / runs


@pytest.mark.parametrize(("tables", "draws"), [(of_one_version, 1), (crossed, 8)])
def test_at_the_threshold_corrected_looks_are_wrong_in_at_most_5_percent_others_are_not(
    tables: Tables, draws: int
) -> None:
    looks = looks_for(160 if draws == 1 else 80, draws)
    corrected = confidence_at(0.95, len(looks))
    # The standard error of a share is 0.007.
    wrong, uncorrected = (
        share_decided(tables, looks, 0.5, confidence, guarded=True, runs=1000) for confidence in (corrected, 0.95)
    )
    assert wrong <= 0.05
    assert uncorrected >= 0.08


def test_ten_images_that_miss_a_rare_kind_decide_nothing() -> None:
    # None of ten images is of a kind that one in ten is with probability 0.9^10 = 0.35. The first look would say that
    # the mean is above the threshold, at which it is. Of 40 images, four are expected; they are skewed still.
    looks = looks_for(160, 1)
    corrected = confidence_at(0.95, len(looks))
    wrong, unguarded = (
        share_decided(crowded, looks, 0.95, corrected, guarded=guarded, runs=500) for guarded in (True, False)
    )
    assert wrong <= 0.1
    assert unguarded >= 0.3


def test_far_from_the_threshold_the_first_look_decides() -> None:
    looks = looks_for(1000, 8)
    first = crossed(np.random.default_rng(0), looks[0])
    corrected = confidence_at(0.95, len(looks))
    assert has_few_images(looks[0], looks)
    assert side_of(first, 0.9, corrected) == side_of(with_one_more(first, 1.0), 0.9, corrected) == -1
    assert side_of(first, 0.1, corrected) == side_of(with_one_more(first, 0.0), 0.1, corrected) == 1
