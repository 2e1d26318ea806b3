"""What is shown of a measurement: the whole cascade, without changing what was judged, and at little cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import CheckResult, gradient
from pytest_saliency_sanity.checks.answering import answer
from pytest_saliency_sanity.checks.judging.showing import (
    MOST_ILLUSTRATED,
    MOST_SHOWN,
    curve_of,
    evidence_of,
    point_of,
    point_of_masses,
    stages_to_show,
)
from pytest_saliency_sanity.checks.plan import Question
from pytest_saliency_sanity.checks.registry import MEAN_SRC, SIMILARITY
from pytest_saliency_sanity.foundation.limits import LEAST_IMAGES
from pytest_saliency_sanity.measuring.mass import Masses
from pytest_saliency_sanity.measuring.pictures import KEPT
from pytest_saliency_sanity.measuring.profile import TRAINED, Cause, SrcProfile
from pytest_saliency_sanity.methods.controls import sobel

NAN = np.nan
# AlexNet has eight layers with weights, of which two are judged.
EVERY = (
    *("classifier.6", "classifier.4", "classifier.1"),
    *("features.10", "features.8", "features.6", "features.3", "features.0"),
)
JUDGED = ("classifier.1", "features.0")
CASCADE = Question("it", "alexnet", "cascading_randomization", "top_down")


class Counting:
    """A method that counts the images it explains."""

    def __init__(self, method: Callable[..., torch.Tensor]) -> None:
        self.method = method
        self.images = 0

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the maps of the method."""
        self.images += len(images)
        return self.method(model, images, targets)


def asked(method: Callable[..., torch.Tensor], **how: Any) -> tuple[CheckResult, int]:
    """Return the answer to the cascade, and how many explanations it took."""
    counting = Counting(method)
    result = answer(CASCADE, replace(subject(counting), **how), {})
    return result, counting.images


@pytest.fixture(scope="module")
def passed() -> dict[bool, tuple[CheckResult, int]]:
    """The answer of a method that passes, by whether its cascade is illustrated."""
    return {illustrate: asked(gradient, illustrate=illustrate) for illustrate in (False, True)}


@pytest.fixture(scope="module")
def failed() -> dict[bool, tuple[CheckResult, int]]:
    """The answer of a method that fails, by whether its cascade is illustrated."""
    return {illustrate: asked(sobel, illustrate=illustrate) for illustrate in (False, True)}


def judged_by(result: CheckResult) -> CheckResult:
    """Return what was judged of a result, without what is only shown."""
    return replace(result, curve=())


def points(result: CheckResult, sign: str = "signed") -> dict[str, Any]:
    return {point.stage: point for point in result.curve if point.sign == sign}


def test_of_many_stages_the_judged_ones_and_some_others_are_shown_in_order() -> None:
    every = [f"layer{number}" for number in range(100)]
    for most in (1, MOST_ILLUSTRATED, MOST_SHOWN, 200):
        some = stages_to_show(every, ["layer7", "layer99"], most)
        assert {"layer7", "layer99"} <= set(some)
        assert list(some) == [stage for stage in every if stage in some]
        assert 0 < len(set(some) - {"layer7", "layer99"}) <= most
    assert stages_to_show(every, every) == tuple(every)


def test_to_illustrate_changes_nothing_that_was_judged(passed: Any, failed: Any) -> None:
    for with_and_without in (passed, failed):
        plain, illustrated = (judged_by(with_and_without[each][0]) for each in (False, True))
        assert illustrated == plain
    assert (passed[True][0].verdict, failed[True][0].verdict) == ("passed", "failed")


def test_without_illustration_only_what_was_judged_is_measured_and_shown(passed: Any) -> None:
    result, explanations = passed[False]
    assert tuple(points(result)) == tuple(points(result, "absolute")) == JUDGED
    # Twelve images under eight draws at two stages, and as they are; the first maps are timed.
    assert explanations <= 12 * (8 * 2 + 1) + LEAST_IMAGES
    assert result.evidence is not None
    assert list(result.evidence.maps) == [TRAINED, *JUDGED]


def test_illustration_shows_more_stages_under_one_draw_of_ten_images(passed: Any) -> None:
    plain, illustrated = points(passed[False][0]), points(passed[True][0])
    others = [stage for stage in illustrated if stage not in plain]
    assert tuple(illustrated) == tuple(stage for stage in EVERY if stage in illustrated)
    assert 0 < len(others) <= MOST_ILLUSTRATED
    assert {stage: illustrated[stage] for stage in JUDGED} == plain
    assert {(each.images, each.draws) for each in plain.values()} == {(12, 8)}
    assert {(illustrated[stage].images, illustrated[stage].draws) for stage in others} == {(LEAST_IMAGES, 1)}
    # With the maps of the network as it is, for the same ten images.
    assert passed[True][1] - passed[False][1] <= LEAST_IMAGES * (len(others) + 1)


def test_a_failure_is_explained_by_every_stage_and_needs_no_illustration(failed: Any) -> None:
    plain, illustrated = failed[False], failed[True]
    assert tuple(points(plain[0])) == EVERY
    assert illustrated[1] == plain[1]
    assert illustrated[0].curve == plain[0].curve


def test_without_explanation_a_failure_shows_what_was_judged() -> None:
    result, _ = asked(sobel, explain=False)
    assert result.verdict == "failed"
    assert tuple(points(result)) == JUDGED


@pytest.mark.parametrize("illustrate", [False, True])
def test_judged_numbers_are_those_of_their_points(passed: Any, failed: Any, illustrate: bool) -> None:
    for answers in (passed, failed):
        result, _ = answers[illustrate]
        for stages, sign in ((result.stages, "signed"), (result.magnitudes, "absolute")):
            for stage in stages:
                point = points(result, sign)[stage.stage]
                assert (point.interval, point.undefined) == (stage.interval, stage.undefined)
                assert point.images * point.draws == stage.total


def test_the_arrays_are_those_of_the_points(passed: Any, failed: Any) -> None:
    for answers in (passed, failed):
        result, _ = answers[True]
        evidence = result.evidence
        assert evidence is not None
        assert {sign: list(stages) for sign, stages in evidence.values.items()} == {
            sign: list(points(result, sign)) for sign in ("signed", "absolute") if points(result, sign)
        }
        for point in result.curve:
            values = evidence.values[point.sign][point.stage]
            assert values.shape == (point.draws, point.images)
            assert point.by_draw == pytest.approx(np.abs(values).mean(1).tolist())
        assert list(evidence.maps) == [TRAINED, *points(result)]
        assert {maps.shape for maps in evidence.maps.values()} == {(KEPT, 64, 64)}
        assert evidence.pictures is not None
        assert evidence.pictures.shape == (KEPT, 64, 64, 3)


def test_what_is_only_shown_is_what_would_be_judged(passed: Any) -> None:
    # With a threshold that nothing meets, all stages are measured on all images and draws: the first are the same.
    every = answer(CASCADE, subject(gradient), {}, threshold=0.001)
    assert every.verdict == "failed"
    shown, more = passed[True][0].evidence, every.evidence
    assert more is not None
    assert len(shown.maps) < len(more.maps) == len(EVERY) + 1
    for name, maps in shown.maps.items():
        np.testing.assert_allclose(maps, more.maps[name], atol=1e-3 * np.abs(maps).max())
    for sign, stages in shown.values.items():
        for stage, values in stages.items():
            draws, images = values.shape
            np.testing.assert_allclose(values, more.values[sign][stage][:draws, :images], atol=1e-3)
    assert not np.allclose(shown.maps[TRAINED], shown.maps["features.0"])


def profile(src: Any, causes: Any = None, sign: str = "signed", stages: tuple[str, ...] = ("a",)) -> SrcProfile:
    """Return a profile of SRCs ``(draws, images)`` at its stages."""
    table = np.stack([np.array(src, float)] * len(stages), 1)
    why = np.zeros(table.shape, np.int8) if causes is None else np.stack([np.array(causes, np.int8)] * len(stages), 1)
    return SrcProfile("it", "net", sign, 0, stages, table, why, maps={TRAINED: np.zeros((1, 2, 2), "f4")})


@pytest.mark.parametrize(("quantity", "means"), [(SIMILARITY, (0.5, 0.25)), (MEAN_SRC, (0.0, -0.25))])
def test_a_point_has_the_mean_under_each_draw(quantity: str, means: tuple[float, ...]) -> None:
    found = point_of(profile([[0.5, -0.5], [-0.25, NAN]]), "a", quantity, 0.95)
    assert found.by_draw == means
    assert (found.images, found.draws, found.undefined, found.dead) == (2, 2, 1, 0)
    assert (found.stage, found.quantity, found.sign) == ("a", quantity, "signed")


def test_a_draw_without_a_number_has_none_and_dead_networks_are_counted() -> None:
    causes = [[Cause.DEAD_MODEL, Cause.DEAD_MODEL], [0, Cause.CONSTANT_AFTER]]
    found = point_of(profile([[NAN, NAN], [0.5, NAN]], causes), "a", SIMILARITY, 0.95)
    assert found.by_draw == (None, 0.5)
    assert (found.undefined, found.dead) == (3, 2)


def test_a_point_of_nothing_is_undefined() -> None:
    found = point_of(profile([[NAN, NAN]]), "a", SIMILARITY, 0.95)
    assert not found.interval.defined
    assert (found.by_draw, found.undefined) == ((None,), 2)


def test_a_stage_is_taken_from_the_first_profile_that_has_it() -> None:
    first = (profile([[0.1] * 3], stages=("b",)), profile([[0.2] * 3], sign="absolute", stages=("b",)))
    more = (profile([[0.9] * 3], stages=("a", "b")), profile([[0.8] * 3], sign="absolute", stages=("a", "b")))
    curve = curve_of([first, more, ()], ("a", "b", "c"), SIMILARITY, 0.95)
    assert [(point.sign, point.stage, round(point.interval.mean, 9)) for point in curve] == [
        *(("signed", "a", 0.9), ("signed", "b", 0.1)),
        *(("absolute", "a", 0.8), ("absolute", "b", 0.2)),
    ]
    evidence = evidence_of([first, more, ()], ("a", "b", "c"))
    assert {sign: {stage: values[0, 0] for stage, values in by.items()} for sign, by in evidence.values.items()} == {
        "signed": {"a": 0.9, "b": 0.1},
        "absolute": {"a": 0.8, "b": 0.2},
    }


def test_a_bar_is_the_mean_of_masses() -> None:
    masses = Masses(np.array([0.2, 0.4, NAN]))
    found = point_of_masses(masses, "biased", "mass on the nuisance", 0.95)
    assert found.interval == masses.interval(0.95)
    assert found.interval.mean == pytest.approx(0.3)
    assert (found.stage, found.sign, found.images, found.undefined) == ("biased", "absolute", 3, 1)
