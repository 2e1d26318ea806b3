"""A profile: what it says of each stage, and why an SRC of it is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from support.maps import around

from pytest_saliency_sanity import SrcProfile
from pytest_saliency_sanity.measuring.profile import Cause
from pytest_saliency_sanity.measuring.statistics import mean_interval

STAGES = ("classifier.1", "features.8", "features.0")


@pytest.fixture
def profile() -> SrcProfile:
    """Three draws, three stages, twenty images; of the second stage six SRCs are undefined, of the last all."""
    src = np.stack([around(0.8, 0.1), around(0.3, 0.2), around(0.0, 0.0)], axis=1)
    causes = np.zeros(src.shape, dtype=np.int8)
    causes[:, 1, 0], causes[0, 1, 1], causes[1, 1, 1:3] = Cause.CONSTANT_BEFORE, Cause.CONSTANT_AFTER, Cause.NOT_FINITE
    causes[:, 2] = Cause.DEAD_MODEL
    src[causes > 0] = np.nan
    return SrcProfile("it", "net", "signed", 0, STAGES, src, causes)


def test_mean_interval_and_counts_are_those_of_the_stage(profile: SrcProfile) -> None:
    at = profile.at("features.8")
    np.testing.assert_array_equal(at, profile.src[:, 1])
    assert profile.mean("features.8") == mean_interval(at).mean
    assert profile.mean("classifier.1") == pytest.approx(0.8)
    wide, narrow = profile.interval("features.8"), profile.interval("features.8", 0.5)
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high
    assert [profile.undefined(stage) for stage in STAGES] == [0, 6, 60]
    assert not profile.has_signs  # unless it is said


def test_causes_are_counted_by_stage_and_only_those_that_occur(profile: SrcProfile) -> None:
    assert profile.causes_at("classifier.1") == {}
    assert profile.causes_at("features.8") == {
        Cause.CONSTANT_BEFORE: 3,
        Cause.CONSTANT_AFTER: 1,
        Cause.NOT_FINITE: 2,
    }
    assert profile.causes_at("features.0") == {Cause.DEAD_MODEL: 60}


def test_of_a_stage_without_a_defined_src_mean_and_interval_are_nan(profile: SrcProfile) -> None:
    assert np.isnan(profile.interval("features.0")).all()


@pytest.mark.parametrize("ask", ["mean", "interval", "undefined", "causes_at", "at"])
def test_a_stage_that_was_not_measured_is_an_error_with_near_matches(profile: SrcProfile, ask: str) -> None:
    with pytest.raises(ValueError, match=r"unknown stage 'classifier\.6'.*'classifier\.1'"):
        getattr(profile, ask)("classifier.6")


def test_every_cause_says_in_words_what_it_is() -> None:
    said = [str(cause) for cause in Cause]
    assert len(set(said)) == len(said) == 4
    assert not any(word.isdigit() or "_" in word for text in said for word in text.split())
    assert 0 not in {int(cause) for cause in Cause}, "0 stands for a defined SRC"
