"""How much is looked at: until the answer is sure, no more than can be afforded, and the least of a slow method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import Batch, CascadingRandomizer, CheckResult, gradient
from pytest_saliency_sanity.checks.cascading_randomization.ask import check_cascading_randomization
from pytest_saliency_sanity.checks.judging.src_check import check_src, most_telling
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.checks.judging.verdict import judge_stages
from pytest_saliency_sanity.checks.registry import CHECKS, IMAGES
from pytest_saliency_sanity.checks.symmetry.ask import check_symmetry
from pytest_saliency_sanity.foundation.reading import Reading
from pytest_saliency_sanity.measuring import looks
from pytest_saliency_sanity.measuring.profile import SrcProfile
from pytest_saliency_sanity.methods.controls import image_itself, sobel
from pytest_saliency_sanity.methods.protocol import SaliencyMethod


class Counting:
    """A method that counts the images it explains."""

    def __init__(self, method: SaliencyMethod) -> None:
        self.method = method
        self.explained = 0

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.explained += len(images)
        return self.method(model, images, targets)


def put(method: Any, images: int = 60, **how: Any) -> Subject:
    """Return a subject on a small network, in which more is measured only if that changes the answer."""
    made = subject(method, small(), noise(images, 1, 10, 10))
    return replace(made, **{"all_images": False, "explain": False, "reading": Reading(sign="absolute"), **how})


def test_the_most_telling_stage_is_the_last_of_those_that_are_judged_first() -> None:
    judged_at = {"fc1": "classifier", "fc2": "classifier", "conv1": "last"}
    assert most_telling(judged_at) == {"fc2": "classifier"}
    assert most_telling({"conv1": "last"}) == {"conv1": "last"}


def explanations(result: CheckResult) -> int:
    """Return how many explanations a result takes if nothing is explained twice."""
    measured = result.measured
    assert measured.draws is not None
    return measured.images * (1 + measured.draws * len(result.stages))


def test_a_method_that_ignores_the_model_fails_at_the_first_look() -> None:
    method = Counting(sobel)
    result = check_cascading_randomization(put(method), threshold=0.5)
    assert (result.verdict, result.measured.looks) == ("failed", 1)
    assert (result.measured.images, result.measured.draws) == (10, 8)
    assert method.explained == explanations(result) == 10 * 17


def test_near_the_threshold_ten_equal_images_do_not_fail_it_yet() -> None:
    method = Counting(sobel)
    result = check_cascading_randomization(put(method), threshold=0.9)
    assert (result.verdict, result.measured.looks, result.measured.images) == ("failed", 2, 40)
    assert method.explained == explanations(result) == 40 * 17


def test_a_method_that_depends_on_the_model_passes_at_the_first_look_that_is_sure() -> None:
    method = Counting(gradient)
    result = check_cascading_randomization(put(method), threshold=0.9)
    assert (result.verdict, result.measured.looks) == ("passed", 1)
    assert method.explained == explanations(result) == 10 * 17


def test_as_long_as_it_is_not_sure_it_goes_on_and_explains_nothing_twice() -> None:
    first = bottom_up(put(gradient), threshold=0.9)
    assert first.measured.looks == 1
    method = Counting(gradient)
    result = bottom_up(put(method), threshold=first.stages[0].interval.mean)
    assert (result.measured.looks or 0) > 1
    assert result.measured.images > 10
    assert method.explained == explanations(result)


def test_an_answer_that_is_never_sure_is_given_at_the_last_look() -> None:
    asked = put(gradient, images=10)
    near = similarity_of(replace(asked, all_images=True), draws=32)
    method = Counting(gradient)
    result = bottom_up(replace(asked, method=method), threshold=near)
    assert result.verdict == "inconclusive"
    assert (result.measured.images, result.measured.draws, result.measured.looks) == (10, 32, 3)
    assert method.explained == 10 * 33


def bottom_up(asked: Subject, threshold: float, draws: int = 8, *, finding: bool = False) -> CheckResult:
    """Put a question that decides, or that is a finding."""
    check = CHECKS.named("cascading_randomization")
    check = replace(check, findings=("bottom_up",) if finding else ())
    cascade = CascadingRandomizer(asked.model, order="bottom_up")
    return check_src(check, "bottom_up", asked, cascade, threshold=threshold, at=("last",), draws=draws)


def similarity_of(asked: Subject, draws: int = 8, *, magnitudes: bool = False) -> float:
    """Return the similarity at the stage that is judged, of all images."""
    result = bottom_up(asked, 0.9, draws)
    (stage,) = result.magnitudes if magnitudes else result.stages
    return stage.interval.mean


def test_a_finding_stops_at_the_usual_number_of_images_a_question_that_decides_does_not() -> None:
    asked = put(gradient, 80)
    near = similarity_of(replace(put(gradient, 80), batch=Batch(asked.batch.images[:IMAGES]), all_images=True))
    finding, deciding = (bottom_up(asked, near, finding=finding) for finding in (True, False))
    assert (finding.verdict, finding.measured.images, finding.measured.looks) == ("inconclusive", IMAGES, 2)
    assert deciding.measured.images == 80
    assert (deciding.measured.looks or 0) > 2


def test_the_finding_on_magnitudes_stops_there_as_well() -> None:
    asked = put(gradient, 80, reading=Reading())
    some = replace(asked, batch=Batch(asked.batch.images[:IMAGES]), all_images=True)
    near = similarity_of(some, magnitudes=True)
    assert similarity_of(some) < near
    result = bottom_up(asked, near)
    assert (result.verdict, result.measured.images, result.measured.looks) == ("passed", IMAGES, 2)
    assert [each.verdict for each in result.magnitudes] == ["inconclusive"]
    assert "whether the picture of magnitudes does is unclear" in result.message


def test_who_does_not_settle_findings_does_not_go_on_for_them() -> None:
    asked = put(gradient, 80, reading=Reading(), settles_findings=False)
    some = replace(asked, batch=Batch(asked.batch.images[:IMAGES]), all_images=True)
    result = bottom_up(asked, similarity_of(some, magnitudes=True))
    settled = bottom_up(replace(asked, settles_findings=True), similarity_of(some, magnitudes=True))
    assert result.verdict == settled.verdict == "passed"
    assert result.measured.images <= settled.measured.images
    assert [each.verdict for each in result.magnitudes] == ["inconclusive"]
    assert (len(result.findings), len(settled.findings)) == (0, 1)


def test_ten_equal_images_do_not_pass_where_more_can_be_had() -> None:
    few, all_there_are = (check_symmetry(put(image_itself, images), kind="permutation") for images in (60, 10))
    assert (few.verdict, few.measured.looks, few.measured.images) == ("passed", 2, 40)
    assert (all_there_are.verdict, all_there_are.measured.looks, all_there_are.measured.images) == ("passed", 1, 10)


def test_a_verdict_on_few_images_counts_only_if_one_more_would_not_change_it() -> None:
    def verdict(images: int, *, few: bool) -> str:
        src = np.ones((4, 1, images))
        profile = SrcProfile("it", "net", "signed", 0, ("stage",), src, np.zeros(src.shape, dtype=np.int8))
        (stage,) = judge_stages(profile, 0.98, above=True, few=few)
        return stage.verdict

    assert verdict(10, few=True) == "inconclusive"
    assert verdict(10, few=False) == verdict(40, few=False) == "passed"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every method is slow."""
    monkeypatch.setattr(looks, "SLOW", 0.0)


@pytest.mark.usefixtures("slow")
def test_a_slow_method_is_asked_for_the_least_and_the_message_says_how_to_ask_for_more() -> None:
    method = Counting(sobel)
    result = check_cascading_randomization(put(method))
    assert result.verdict == "failed"
    assert [stage.stage for stage in result.stages] == ["5"]
    assert (result.measured.images, result.measured.draws, result.measured.looks) == (10, 4, 1)
    assert method.explained == 10 * 5
    assert "so fewer than usual were asked for: --saliency-images=40, or images=40 of check_method" in result.message


@pytest.mark.usefixtures("slow")
def test_a_slow_method_that_passes_or_was_asked_for_all_is_not_told_to_ask_for_more() -> None:
    passed = check_cascading_randomization(put(gradient), threshold=0.95)
    assert (passed.verdict, passed.measured.draws) == ("passed", 4)
    every = check_cascading_randomization(put(sobel, 12, all_images=True))
    assert (every.verdict, every.measured.images, every.measured.draws, len(every.stages)) == ("failed", 12, 8, 2)
    for each in (passed, every, check_cascading_randomization(put(gradient), threshold=0.9)):
        assert "asks for more" not in each.message


def test_a_method_that_is_not_slow_is_not_told_to_ask_for_more() -> None:
    assert "asks for more" not in check_cascading_randomization(put(sobel)).message


def changed_in_place(asked: Subject) -> Subject:
    with torch.no_grad():
        next(asked.model.parameters()).mul_(2)
    return replace(asked)


def changed_buffer(asked: Subject) -> Subject:
    next(asked.model.buffers()).add_(1)
    return replace(asked)


def replaced_weight(asked: Subject) -> Subject:
    asked.model.get_submodule("0").weight = nn.Parameter(torch.zeros(6, 1, 3, 3))
    return replace(asked)


def with_batch(asked: Subject, images: torch.Tensor | None = None, targets: torch.Tensor | None = None) -> Subject:
    return replace(asked, batch=Batch(asked.batch.images.clone() if images is None else images, targets))


def known() -> Subject:
    model = small()
    model.register_buffer("kept", torch.zeros(1))
    return subject(gradient, model, noise(12, 1, 10, 10))


STILL: dict[str, Callable[[Subject], Subject]] = {
    "the same": replace,
    "equal images": with_batch,
    "another object for the same images": lambda asked: replace(asked, batch=Batch(asked.batch.images)),
}
OTHER: dict[str, Callable[[Subject], Subject]] = {
    "weights changed in place": changed_in_place,
    "a buffer changed in place": changed_buffer,
    "a weight replaced": replaced_weight,
    "other images": lambda asked: with_batch(asked, asked.batch.images + 0.1),
    "fewer images": lambda asked: with_batch(asked, asked.batch.images[:11]),
    "targets": lambda asked: with_batch(asked, targets=torch.zeros(12, dtype=torch.long)),
    "another method": lambda asked: replace(asked, method=sobel),
    "another name": lambda asked: replace(asked, method_name="other"),
    "an equal model": lambda asked: replace(asked, model=small()),
    "another seed": lambda asked: replace(asked, seed=1),
    "another reading": lambda asked: replace(asked, reading=Reading(sign="absolute")),
    "all images": lambda asked: replace(asked, all_images=not asked.all_images),
    "another memory": lambda asked: replace(asked, memory=2**30),
}


@pytest.mark.parametrize("how", STILL)
def test_a_subject_is_still_the_same(how: str) -> None:
    asked = known()
    asked.once("found", lambda: 1)
    assert asked.is_still(STILL[how](asked))


@pytest.mark.parametrize("how", OTHER)
def test_a_subject_is_another_one(how: str) -> None:
    asked = known()
    assert not asked.is_still(OTHER[how](asked))


def test_targets_that_are_equal_are_the_same_and_others_are_not() -> None:
    targets = torch.arange(12) % 4
    asked = with_batch(known(), targets=targets)
    assert asked.is_still(with_batch(asked, targets=targets.clone()))
    assert not asked.is_still(with_batch(asked, targets=(targets + 1) % 4))
    assert not asked.is_still(with_batch(asked))


def test_what_is_asked_for_once_is_made_once() -> None:
    asked, made = known(), []
    for _ in range(3):
        assert asked.once("it", lambda: made.append(1) or len(made)) == 1  # type: ignore[func-returns-value]
    assert asked.once("other", lambda: 7) == 7
    assert made == [1]
