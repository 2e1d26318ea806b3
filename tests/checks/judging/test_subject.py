"""A subject: how many images it looks at, and what its checks share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.images import noise
from support.networks import small
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.checks.judging.subject import USUAL_DRAWS, Subject, is_same, require_fits, versions_of
from pytest_saliency_sanity.foundation.randomness import derived_seed
from pytest_saliency_sanity.foundation.reading import Reading
from pytest_saliency_sanity.measuring.looks import Look, Looking, looking

IMAGES = noise(60, 1, 10, 10)
READING = Reading(confidence=0.9)


def picture(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return images[:, 0]


def subject(count: int = 12, more: int = 0, **how: Any) -> Subject:
    """Return a subject of so many images, and a larger batch that begins with them."""
    larger = Batch(IMAGES[:more]) if more else None
    return Subject(picture, "it", small(), "net", Batch(IMAGES[:count]), more=larger, reading=READING, **how)


def slow(asked: Subject, seconds: float) -> Subject:
    """Let it be known that an explanation takes so long."""
    asked.original.seconds = seconds
    return asked


def test_it_looks_at_as_many_images_as_it_takes() -> None:
    assert slow(subject(12, more=50), 1e-6).looking(8) == looking(50, 8, 0.9)
    assert slow(subject(12), 1e-6).looking(1) == looking(12, 1, 0.9)
    assert slow(subject(12), 1e-6).looking(8, images=44) == looking(44, 8, 0.9)


def test_it_looks_at_all_images_if_so_is_asked() -> None:
    assert slow(subject(12, all_images=True), 9.0).looking(8) == Looking((Look(12, 8),), 0.9)


def test_a_slow_method_is_asked_for_less() -> None:
    assert slow(subject(12, more=50), 9.0).looking(8) == looking(50, 8, 0.9, seconds=9.0)
    assert slow(subject(12, more=50), 9.0).looking(8).is_least


@pytest.mark.parametrize(("count", "looks"), [(9, Looking((Look(9, 8),), 0.9)), (10, looking(10, 8, 0.9))])
def test_too_few_images_are_looked_at_once(count: int, looks: Looking) -> None:
    assert slow(subject(count), 1e-6).looking(8) == looks


def test_the_first_explanation_is_timed_once() -> None:
    asked = subject()
    assert asked.seconds > 0
    assert asked.seconds == asked.original.seconds
    assert slow(asked, 0.5).seconds == 0.5


def test_the_cost_of_a_question_is_that_of_its_first_look() -> None:
    assert USUAL_DRAWS == 8
    assert slow(subject(12, more=50), 0.125).cost == 0.125 * 10 * 8


def test_the_maps_looked_at_first_are_those_of_ten_images_or_of_all() -> None:
    assert len(subject(12).first_view.maps) == 10
    assert len(subject(12, more=50).first_view.maps) == 10
    assert len(subject(8).first_view.maps) == 8
    assert len(subject(12, all_images=True).first_view.maps) == 12
    assert torch.equal(subject(12).first_view.maps, IMAGES[:10, 0])


def test_all_images_are_looked_at_first_unless_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.measuring.original.MOST_PIXELS", 1100)  # 11 images
    assert len(subject(12, all_images=True).first_view.maps) == 11


def test_interventions_are_made_for_the_first_batch_whatever_is_looked_at() -> None:
    asked = subject(12, more=50)
    assert torch.equal(asked.sample, IMAGES[:12])
    assert torch.equal(asked.most.images, IMAGES[:50])
    assert torch.equal(subject(12).most.images, IMAGES[:12])


def test_the_maps_of_the_model_as_it_is_are_those_that_checks_compare_with() -> None:
    targets = torch.arange(50) % 4
    asked = replace(subject(12, seed=3), more=Batch(IMAGES[:50], targets), batch=Batch(IMAGES[:12], targets[:12]))
    original = asked.original
    assert (original.method, original.name, original.seen) == (picture, "it on net", True)
    assert original.model is asked.model
    assert torch.equal(original.images, IMAGES[:50])
    assert torch.equal(original.targets(50), targets)
    assert original.seed == derived_seed(3, "net")
    assert asked.original is original


def test_a_subject_is_still_the_same_if_the_images_it_may_look_at_are_equal() -> None:
    asked = subject(12, more=50)
    assert asked.is_still(replace(asked, more=Batch(IMAGES[:50].clone())))
    assert not asked.is_still(replace(asked, more=Batch(IMAGES[:49])))


def test_who_did_not_pass_is_told_how_to_ask_for_more() -> None:
    asked = slow(subject(), 2.345)
    assert asked.to_ask_for_more("passed") == ""
    assert asked.to_ask_for_more("failed") == (
        "An explanation takes 2.3 s, so fewer than usual were asked for: --saliency-images=40, or images=40 of "
        "check_method, asks for more."
    )


def test_tensors_are_the_same_if_their_values_are() -> None:
    one = torch.arange(3)
    assert is_same(one, one.clone())
    assert not is_same(one, one + 1)
    assert not is_same(one, torch.zeros(3, device="meta"))
    assert is_same(None, None)
    assert not is_same(one, None)
    assert not is_same(None, one)


def test_a_change_in_place_is_another_version_of_a_model() -> None:
    for kind in (nn.Linear(2, 2), nn.BatchNorm1d(2)):
        before = versions_of(kind)
        assert versions_of(kind) == before
        kind.weight.data.add_(0)  # .data has a version of its own
        assert versions_of(kind) == before
        with torch.no_grad():
            kind.weight.add_(1)
        assert versions_of(kind) != before
    norm = nn.BatchNorm1d(2)
    before = versions_of(norm)
    assert norm.running_mean is not None
    norm.running_mean.add_(1)
    assert versions_of(norm) != before


def test_weights_made_in_inference_mode_have_no_version() -> None:
    with torch.inference_mode():
        model = nn.Linear(2, 2)
    assert versions_of(model) == versions_of(model)


def test_images_that_do_not_fit_the_model_are_an_error_that_says_what_to_do() -> None:
    require_fits(subject())
    unfit = Subject(picture, "it", small(), "net", Batch(noise(3, 3, 10, 10)))
    with pytest.raises(ValueError, match=r"^net can't be run on the images \(3, 3, 10, 10\): RuntimeError: ") as caught:
        require_fits(unfit)
    assert "Override the fixture saliency_batch with images that fit it" in str(caught.value)


def test_the_model_is_tried_on_two_images() -> None:
    seen: list[int] = []
    model = small()
    model.register_forward_hook(lambda _, given, output: seen.append(len(given[0])))
    require_fits(Subject(picture, "it", model, "net", Batch(IMAGES)))
    assert seen == [2]
