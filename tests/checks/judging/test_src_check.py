"""How a check of an SRC goes from look to look, what it finds besides its verdict, and what it measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.images import noise
from support.networks import small
from torch import nn

from pytest_saliency_sanity import Batch, CascadingRandomizer, CheckResult, LabelRandomizer, gradient
from pytest_saliency_sanity.checks.judging.result import Finding, StageVerdict, Verdict
from pytest_saliency_sanity.checks.judging.showing import MOST_SHOWN, stages_to_show
from pytest_saliency_sanity.checks.judging.src_check import OUTLINE, Judged, Judging, check_src, findings_of, first_sure
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.checks.registry import CHECKS, MEAN_SRC, Check
from pytest_saliency_sanity.foundation.reading import Reading
from pytest_saliency_sanity.interventions.repetition import Repetition
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.looks import Look, Looking
from pytest_saliency_sanity.measuring.profile import SrcProfile
from pytest_saliency_sanity.measuring.statistics import similarity_by_chance

NAN = np.nan
CHECK = replace(CHECKS.named("cascading_randomization"), thresholds={"last": 0.5}, unsigned={})
LOOKS = (Look(10, 8), Look(40, 8), Look(80, 16))
# The similarity of images that a threshold of 0.5 gives each verdict; with one more image at the other end, too.
SIMILARITIES = {"passed": (0.1, 0.12), "failed": (0.9, 0.92), "inconclusive": (0.2, 0.8), "undefined": (NAN, NAN)}


def test_of_many_stages_a_dozen_and_the_judged_ones_are_shown() -> None:
    every = [f"layer{number}" for number in range(100)]
    some = stages_to_show(every, ["layer7", "layer99"])
    assert len(some) <= MOST_SHOWN + 2
    assert {"layer0", "layer7", "layer99"} <= set(some)
    assert list(some) == [stage for stage in every if stage in some]
    assert stages_to_show(every[:10], ["layer3"]) == tuple(every[:10])


class Measured:
    """What would be measured at each look: images that alternate between two SRCs, as maps are, and by magnitude."""

    def __init__(self, signed: Sequence[tuple[float, float]], absolute: Sequence[tuple[float, float]] = ()) -> None:
        self.of_sign = {"signed": signed, "absolute": absolute}
        self.asked: list[object] = []

    def growing(self, at: Any, looks: Sequence[Look]) -> Iterator[tuple[SrcProfile, ...]]:
        self.asked.append(at)
        for place, look in enumerate(looks):
            yield tuple(
                self.profile(sign, pairs[min(place, len(pairs) - 1)], look)
                for sign, pairs in self.of_sign.items()
                if pairs
            )

    def profile(self, sign: str, pair: tuple[float, float], look: Look) -> SrcProfile:
        src = np.tile(np.resize(pair, look.images), (look.draws, 1, 1))
        has_signs = bool(self.of_sign["absolute"])
        return SrcProfile("it", "net", sign, 0, ("stage",), src, np.zeros(src.shape, np.int8), has_signs=has_signs)


def judged(
    signed: Sequence[tuple[float, float]],
    absolute: Sequence[tuple[float, float]] = (),
    *,
    check: Check = CHECK,
    threshold: float | None = None,
    reading: Reading = Reading(),  # noqa: B008  (it is frozen)
    **how: Any,
) -> Judged:
    judging = Judging(check, {"stage": "last"}, threshold, reading)
    measurement: Any = Measured(signed, absolute)
    found = first_sure(measurement, judging, Looking(LOOKS, 0.9875), **how)
    assert measurement.asked == [("stage",)]
    return found


def verdicts(stages: Sequence[StageVerdict]) -> list[str]:
    return [each.verdict for each in stages]


@pytest.mark.parametrize(
    ("signed", "absolute", "how", "looks"),
    [
        (["passed"], [], {}, 1),
        (["failed"], [], {}, 1),
        (["inconclusive", "passed"], [], {}, 2),
        (["inconclusive", "inconclusive", "failed"], [], {}, 3),
        (["inconclusive"], [], {}, 3),  # at the last look, it is given as it is
        (["inconclusive"], [], {"finding": True}, 2),  # forty images are enough for a finding,
        (["undefined"], [], {}, 2),  # and to know that nothing is defined
        (["undefined", "passed"], [], {}, 2),
        (["passed"], ["passed"], {}, 1),
        (["passed"], ["failed"], {}, 1),
        (["passed"], ["inconclusive", "failed"], {}, 2),
        (["passed"], ["inconclusive"], {}, 2),
        (["failed"], ["inconclusive"], {}, 2),
        (["passed"], ["inconclusive"], {"magnitudes": False}, 1),
        (["inconclusive"], ["passed"], {}, 3),
        (["inconclusive"], ["inconclusive"], {"magnitudes": False}, 3),
    ],
)
def test_the_look_at_which_it_ends(signed: list[str], absolute: list[str], how: dict[str, Any], looks: int) -> None:
    found = judged([SIMILARITIES[each] for each in signed], [SIMILARITIES[each] for each in absolute], **how)
    assert found.looks == looks
    assert verdicts(found.stages) == [signed[min(looks, len(signed)) - 1]]
    assert verdicts(found.magnitudes) == ([absolute[min(looks, len(absolute)) - 1]] if absolute else [])
    assert found.profile is found.profiles[0]
    assert found.profile.src.shape == (LOOKS[looks - 1].draws, 1, LOOKS[looks - 1].images)
    assert (found.has_signs, found.level) == (bool(absolute), 0.9875)


def test_few_images_decide_only_what_one_more_would_not_change() -> None:
    near = (0.55, 0.56)
    assert judged([near]).looks == 2
    # That holds for magnitudes only if more is measured to be sure of them.
    far = SIMILARITIES["passed"]
    assert judged([far], [near]).looks == 2
    unsettled = judged([far], [near], magnitudes=False)
    assert (unsettled.looks, verdicts(unsettled.magnitudes)) == (1, ["failed"])
    assert judged([near], [near], magnitudes=False).looks == 2


def test_maps_without_signs_and_magnitudes_have_thresholds_of_their_own() -> None:
    check = replace(CHECK, unsigned={"last": 0.8})
    found = judged([(0.1, 0.12)], [(0.65, 0.66)], check=check)
    assert [each.threshold for each in (*found.stages, *found.magnitudes)] == [0.5, 0.8]
    assert verdicts(found.magnitudes) == ["passed"]
    assert judged([(0.65, 0.66)], check=check).stages[0].threshold == 0.8  # a profile of maps without signs
    absolute = judged([(0.65, 0.66)], [(0.1, 0.1)], check=check, reading=Reading(sign="absolute"))
    assert (absolute.has_signs, absolute.stages[0].threshold, absolute.magnitudes) == (False, 0.8, ())
    assert judged([(0.1, 0.12)], check=check, threshold=0.3).stages[0].threshold == 0.3


def test_the_quantity_and_the_side_are_those_of_the_check() -> None:
    flipping = (0.9, -0.9)
    assert verdicts(judged([flipping]).stages) == ["failed"]
    assert verdicts(judged([flipping], check=replace(CHECK, quantity=MEAN_SRC)).stages) == ["passed"]
    assert verdicts(judged([(0.9, 0.92)], check=replace(CHECK, quantity=MEAN_SRC, above=True)).stages) == ["passed"]


def stage(verdict: Verdict, mean: float = 0.25) -> StageVerdict:
    return StageVerdict(f"a {verdict} stage", 0.5, verdict, Interval(mean, mean - 0.1, mean + 0.1), 0, 40)


UNCLEAR = "the signs change; whether the picture of magnitudes does is unclear"


@pytest.mark.parametrize(
    ("stages", "magnitudes", "unclear", "finding"),
    [
        (["passed"], [], True, None),
        (["passed"], ["passed"], True, None),
        (["passed"], ["passed", "failed"], True, OUTLINE),
        (["passed"], ["failed"], False, OUTLINE),
        (["passed"], ["inconclusive"], True, UNCLEAR),
        (["passed"], ["inconclusive"], False, None),
        # Signs that fail are worse than magnitudes that do.
        (["passed", "failed"], ["failed"], True, None),
        (["inconclusive"], ["failed"], True, None),
        (["undefined"], ["failed"], True, None),
    ],
)
def test_magnitudes_are_a_finding_if_the_signs_pass(
    stages: list[Verdict], magnitudes: list[Verdict], unclear: bool, finding: str | None
) -> None:
    found = findings_of([stage(each) for each in stages], [stage(each) for each in magnitudes], unclear=unclear)
    assert found == (() if finding is None else (Finding(finding, "0.250 by magnitude"),))


def test_that_magnitudes_are_not_sure_is_a_finding_unless_it_is_said_otherwise() -> None:
    assert len(findings_of([stage("passed")], [stage("inconclusive")])) == 1


def test_magnitudes_that_can_not_be_compared_are_a_finding() -> None:
    nothing = stage("undefined", NAN)
    assert findings_of([stage("passed")], [nothing]) == (
        Finding("the magnitudes of too few maps can be compared", "a undefined stage"),
    )
    assert findings_of([stage("passed")], [nothing], unclear=False) == ()


# What is measured.

IMAGES = noise(60, 1, 10, 10)


def drawing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.rand(images[:, 0].shape)


def put(method: Any = gradient, *, model_name: str = "net", **how: Any) -> Subject:
    batch = Batch(IMAGES[:12])
    given = {"all_images": True, "explain": False, **how}
    return Subject(method, "it", small(), model_name, batch, **given)


def asked(subject: Subject, randomization: Any = None, check: Check = CHECK, **how: Any) -> CheckResult:
    randomization = randomization or CascadingRandomizer(subject.model)
    return check_src(check, "top_down", subject, randomization, **{"draws": 4, "at": ("last",), **how})


def srcs(result: CheckResult, sign: str = "signed") -> np.ndarray:
    assert result.evidence is not None
    return next(iter(result.evidence.values[sign].values()))


def test_the_numbers_depend_on_the_seed_the_check_and_the_model() -> None:
    again = Repetition(small())
    same = srcs(asked(put(drawing), again))
    np.testing.assert_array_equal(srcs(asked(put(drawing), again)), same)
    others = [
        asked(put(drawing, seed=1), again),
        asked(put(drawing, model_name="another"), again),
        asked(put(drawing), again, replace(CHECK, name="another")),
    ]
    # The trained model's maps are those of all checks, so the random numbers of the other stage must differ.
    assert all(not np.isclose(srcs(each), same).any() for each in others)


@pytest.mark.parametrize("other", [{"seed": 1}, {"model_name": "another"}, {"check": replace(CHECK, name="another")}])
def test_so_do_those_of_each_stage(other: dict[str, Any]) -> None:
    calls: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(len(images))
        return drawing(model, images, targets) if len(calls) > 1 else images[:, 0]  # the trained model's are the same

    first = srcs(asked(put(method), Repetition(small())))
    calls.clear()
    check = other.pop("check", CHECK)
    second = srcs(asked(put(method, **other), Repetition(small()), check))
    assert not np.isclose(first, second).any()


def borrowing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Draw signs at random, and magnitudes at random for about half of the images, else those of the image."""
    magnitudes = images[:, 0].abs()
    is_own = (images[:, 0, 0, 0] > 0)[:, None, None]
    return (torch.rand(magnitudes.shape) - 0.5).sign() * magnitudes.where(is_own, torch.rand(magnitudes.shape))


@pytest.mark.parametrize(("settles", "looks"), [(True, 2), (False, 1)])
def test_magnitudes_are_measured_on_only_if_findings_are_settled(settles: bool, looks: int) -> None:
    subject = put(borrowing, more=Batch(IMAGES), all_images=False, settles_findings=settles)
    result = asked(subject, draws=8)
    assert (result.verdict, result.measured.looks) == ("passed", looks)
    assert [each.verdict for each in result.magnitudes] == ["inconclusive"]
    assert len(result.findings) == settles


def test_maps_are_compared_as_a_screen_shows_them() -> None:
    def traces(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return edges + 1e-4 * torch.rand(edges[: len(images)].shape)

    edges = (IMAGES[:12, 0] > 1).float()  # flat but for some pixels
    result = asked(put(traces), Repetition(small()))
    np.testing.assert_allclose(srcs(result), 1)


class Noting(CascadingRandomizer):
    """A cascade that notes for how many images it was made."""

    noted: list[int]

    def bind(self, images: torch.Tensor, seed: int) -> Any:
        self.noted.append(len(images))
        return super().bind(images, seed)


def test_the_intervention_is_made_for_the_same_images_however_many_are_looked_at() -> None:
    subject = put(more=Batch(IMAGES))
    cascade = Noting(subject.model)
    cascade.noted = []
    assert asked(subject, cascade).measured.images == 60
    assert set(cascade.noted) == {12}


def test_what_is_not_drawn_again_is_looked_at_with_more_images_only() -> None:
    subject = put(more=Batch(IMAGES), all_images=False, reading=Reading(sign="absolute"))
    labels = LabelRandomizer(subject.model, small())
    near = srcs(asked(put(more=Batch(IMAGES), reading=Reading(sign="absolute")), labels), "absolute")
    assert (near == 1).all()  # the same network, so a threshold of 1 is never passed
    other = small()
    with torch.no_grad():
        other[0].weight.add_(noise(6, 1, 3, 3) * 0.3)  # type: ignore[operator]
    labels = LabelRandomizer(subject.model, other)
    mean = float(
        np.abs(srcs(asked(put(more=Batch(IMAGES), reading=Reading(sign="absolute")), labels), "absolute")).mean()
    )
    result = asked(subject, labels, threshold=mean)
    assert (result.measured.images, result.measured.draws, result.measured.looks) == (60, 1, 3)


def test_another_method_may_explain_the_stages() -> None:
    def flat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.zeros(images[:, 0].shape)

    assert asked(put()).verdict != "undefined"
    assert asked(put(), method=flat).verdict == "undefined"


@pytest.mark.parametrize(
    ("reading", "check", "signs"),
    [
        (Reading(), CHECK, {"signed", "absolute"}),
        (Reading(sign="absolute"), CHECK, {"absolute"}),
        (Reading(), replace(CHECK, quantity=MEAN_SRC), {"signed"}),
    ],
)
def test_magnitudes_are_judged_beside_the_similarity_of_maps_with_signs(
    reading: Reading, check: Check, signs: set[str]
) -> None:
    result = asked(put(reading=reading), check=check)
    assert result.evidence is not None
    assert set(result.evidence.values) == signs
    assert bool(result.magnitudes) == (len(signs) == 2)
    assert {point.sign for point in result.curve} == signs


def test_a_result_says_what_it_rests_on() -> None:
    result = asked(put(seed=5, reading=Reading(confidence=0.9)), threshold=0.4)
    measured = result.measured
    assert (measured.seed, measured.sign, measured.has_signs, measured.confidence) == (5, "signed", True, 0.9)
    assert (measured.images, measured.draws, measured.looks) == (12, 4, 1)
    assert measured.chance == similarity_by_chance(100)
    assert (result.check, result.method, result.model) == ("cascading_randomization[top_down]", "it", "net")
    assert "seed 5" in result.message
    assert [(each.stage, each.threshold) for each in result.stages] == [("0", 0.4)]
    (stage,) = result.stages
    (point,) = (each for each in result.curve if each.sign == "signed")
    assert (point.interval, point.images, point.draws) == (stage.interval, 12, 4)
    mean_src = asked(put(), check=replace(CHECK, quantity=MEAN_SRC))
    assert mean_src.measured.chance == 0
    assert {each.quantity for each in mean_src.curve} == {MEAN_SRC}


@pytest.mark.parametrize(
    ("threshold", "explain", "illustrate", "shown"),
    [
        (1.0, False, False, 1),  # it passes
        (1.0, True, False, 1),
        (1.0, False, True, 3),
        (0.01, False, False, 1),  # it fails
        (0.01, True, False, 3),
        (0.01, False, True, 1),
        (None, True, False, 3),  # it is inconclusive
    ],
)
def test_more_stages_are_shown_if_that_is_asked_for(
    threshold: float | None, explain: bool, illustrate: bool, shown: int
) -> None:
    if threshold is None:
        threshold = float(np.abs(srcs(asked(put(reading=Reading(sign="absolute")), draws=8), "absolute")).mean())
    subject = put(explain=explain, illustrate=illustrate, reading=Reading(sign="absolute"))
    assert len(asked(subject, threshold=threshold, draws=8).curve) == shown


def test_of_a_slow_method_nothing_is_measured_only_to_be_shown() -> None:
    for threshold in (1.0, 0.01):
        subject = put(all_images=False, explain=True, illustrate=True)
        subject.original.seconds = 9.0
        both = replace(CHECK, thresholds={"classifier": 0.5, "last": 0.5})
        result = asked(subject, check=both, threshold=threshold, at=None)
        assert {each.stage for each in result.curve} == {each.stage for each in result.stages} == {"5"}


def test_a_finding_is_not_asked_for_more_than_is_usual() -> None:
    check = replace(CHECK, findings=("top_down",))
    subject = put(more=Batch(IMAGES), reading=Reading(sign="absolute"))
    near = float(np.abs(srcs(asked(subject, draws=8), "absolute")).mean())
    growing = put(more=Batch(IMAGES), all_images=False, reading=Reading(sign="absolute"))
    assert asked(growing, check=check, threshold=near, draws=8).measured.images <= 40
