"""assert_src_below: passes, or says in full why not; and the verdicts that it and every check rest on."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

import numpy as np
import pytest
import torch
from support.networks import is_copy
from torch import nn

import pytest_saliency_sanity
from pytest_saliency_sanity import (
    Batch,
    CascadingRandomizer,
    LabelRandomizer,
    SaliencyCheckFailed,
    SrcProfile,
    assert_src_below,
    gradient,
    load_batch,
    load_checkpoint,
    src_profile,
)
from pytest_saliency_sanity.assertions import assert_passed
from pytest_saliency_sanity.checks.judging.result import CheckResult, Measured, Verdict
from pytest_saliency_sanity.foundation import rerun

STAGES = (*(f"classifier.{i}" for i in (6, 4, 1)), *(f"features.{i}" for i in (10, 8, 6, 3, 0)))


@pytest.fixture
def batch() -> Batch:
    return Batch(load_batch("mnist", 20).images)


def failure(*arguments: Any, **options: Any) -> str:
    with pytest.raises(SaliencyCheckFailed) as caught:
        assert_src_below(*arguments, **options)
    return str(caught.value)


# Passing


@pytest.mark.parametrize(("at", "stage"), [("last", "features.0"), ("classifier", "classifier.1")])
@pytest.mark.parametrize("method", [gradient, "gradient"])
def test_the_gradient_passes_and_its_profile_is_returned(batch: Batch, at: str, stage: str, method: Any) -> None:
    profile = assert_src_below(method, 0.9, batch=batch, at=at)
    assert isinstance(profile, SrcProfile)
    assert profile.stages == (stage,)
    assert profile.src.shape == (3, 1, 20)
    measured = src_profile("gradient", "alexnet", batch, at=at)
    np.testing.assert_array_equal(profile.src, measured.src)
    assert 0 < profile.similarity(stage).mean < 0.9


def test_the_gradient_passes_on_a_network_of_ones_own(batch: Batch) -> None:
    profile = assert_src_below(gradient, 0.9, model=load_checkpoint("vgg11"), batch=batch, at="classifier")
    assert profile.model == "VGG11"


def test_the_gradient_passes_under_random_labels(batch: Batch) -> None:
    assert assert_src_below(gradient, 0.8, batch=batch, randomization="labels").stages == ("random_labels",)


def test_a_randomizers_model_is_the_model(batch: Batch) -> None:
    model = load_checkpoint("alexnet")
    seen = []

    def spy(given: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(is_copy(given, model))
        return gradient(given, images, targets)

    assert_src_below(spy, 0.9, batch=batch, randomization=CascadingRandomizer(model, law="reinit"))
    assert seen[0]
    assert not any(seen[1:])


def test_signed_maps_pass_where_absolute_ones_do_not(batch: Batch) -> None:
    assert_src_below(gradient, 0.2, batch=batch)
    assert "the magnitudes of maps" in failure(gradient, 0.2, batch=batch, sign="absolute")


def test_the_seed_changes_the_draws(batch: Batch) -> None:
    first, second = (assert_src_below(gradient, 0.9, batch=batch, seed=seed) for seed in (0, 1))
    assert (first.seed, second.seed) == (0, 1)
    assert not np.array_equal(first.src, second.src)


def test_the_signature_begins_as_documented() -> None:
    parameters = inspect.signature(assert_src_below).parameters
    assert list(parameters)[:9] == [
        "method",
        "threshold",
        "model",
        "batch",
        "randomization",
        "at",
        "sign",
        "seeds",
        "confidence",
    ]
    defaults = {name: each.default for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY}
    assert defaults["at"] == "last"
    assert defaults["sign"] == "signed"
    assert (defaults["model"], defaults["randomization"], defaults["batch"]) == ("alexnet", "cascading", None)
    assert (defaults["seeds"], defaults["confidence"]) == (3, 0.95)


# Failing


def test_the_failure_is_an_assertion_error_by_its_public_name() -> None:
    assert issubclass(SaliencyCheckFailed, AssertionError)
    assert f"{SaliencyCheckFailed.__module__}.{SaliencyCheckFailed.__name__}" == (
        "pytest_saliency_sanity.SaliencyCheckFailed"
    )
    assert pytest_saliency_sanity.SaliencyCheckFailed is SaliencyCheckFailed


def test_an_edge_detector_fails_and_the_message_says_everything(batch: Batch) -> None:
    message = failure("sobel", 0.75, batch=batch, seed=11)
    assert message.startswith("assert_src_below: sobel on alexnet FAILED")
    assert "Insensitive: at features.0 the maps are still alike" in message
    assert "Similarity of maps without signs 1.000, 95% interval 1.000 to 1.000; it must stay below 0.75" in message
    assert "20 images x 3 random draws, seed 11" in message
    assert "undefined (" not in message  # there are none


def test_the_message_shows_every_stage_of_the_cascade_in_order(batch: Batch) -> None:
    lines = failure("sobel", 0.75, batch=batch, at="classifier").splitlines()
    rows = [line for line in lines if re.match(r"(classifier|features)\.\d+ ", line)]
    assert tuple(row.split()[0] for row in rows) == STAGES
    assert all(re.search(r"1\.000 +1\.000 to +1\.000 +0/60 +#{15}", row) for row in rows)
    assert [row.split()[0] for row in rows if "<- failed: must stay below 0.75" in row] == ["classifier.1"]


def test_the_message_has_the_command_that_runs_the_test_again(batch: Batch) -> None:
    message = failure("sobel", 0.75, batch=batch)
    again = "test_assertions.py::test_the_message_has_the_command_that_runs_the_test_again"
    assert re.search(rf"Run this again:\n  pytest '?\S*{re.escape(again)}", message)


def test_outside_of_pytest_the_message_has_the_call(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rerun, "_commands", [])
    message = failure("sobel", 0.75, batch=batch, seed=3, sign="signed", at="classifier", seeds=2)
    call = message.splitlines()[-1].strip()
    monkeypatch.undo()
    # It can be run as it is, and fails as before.
    with pytest.raises(SaliencyCheckFailed) as caught:
        eval(call, {"assert_src_below": assert_src_below})
    assert "Similarity of maps without signs 1.000" in str(caught.value)
    assert "x 2 random draws, seed 3" in str(caught.value)


def test_undefined_srcs_are_counted_with_their_causes(batch: Batch) -> None:
    trained = load_checkpoint("alexnet")

    def edges_but_for_some(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = images.sum(1)
        maps[:2] = 0.0 if is_copy(model, trained) else maps[:2]
        maps[2, 0, 0] = torch.nan
        return maps

    message = failure(edges_but_for_some, 0.75, model=trained, batch=batch)
    assert "edges_but_for_some on AlexNet FAILED" in message
    assert "9 of 60 SRCs are undefined (constant map of the trained model 6, map with NaN or infinity 3)." in message
    assert len(re.findall(r" 9/60 ", message)) == len(STAGES)


@pytest.mark.parametrize(
    ("value", "cause"), [(1.0, "constant map of the trained model"), (torch.nan, "map with NaN or infinity")]
)
def test_a_method_without_a_defined_src_does_not_pass(batch: Batch, value: float, cause: str) -> None:
    def flat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.full((len(images), 4, 4), value)

    message = failure(flat, 1.0, batch=batch)
    assert "flat on alexnet UNDEFINED" in message
    assert f"60 of 60 SRCs are undefined ({cause} 60)." in message
    assert "No SRC of maps without signs is defined" in message


def test_dead_models_do_not_pass(batch: Batch) -> None:
    randomizer = CascadingRandomizer(load_checkpoint("alexnet"), std=1e-30)
    message = failure(gradient, 1.0, batch=batch, randomization=randomizer)
    assert "UNDEFINED" in message
    assert "(dead randomised model 60)" in message


def test_an_interval_that_straddles_the_threshold_is_inconclusive(batch: Batch) -> None:
    mean = src_profile(gradient, "alexnet", batch, at="last").similarity("features.0").mean
    message = failure(gradient, mean, batch=batch)
    assert "INCONCLUSIVE" in message
    assert "straddles the threshold at features.0" in message
    assert "<- inconclusive" in message


def test_every_stage_can_be_judged_at_once(batch: Batch) -> None:
    message = failure("sobel", 0.75, batch=batch, at="every")
    assert message.count("<- failed") == len(STAGES)
    message = failure("gradient", 0.3, batch=batch, at=("classifier", "last"))
    assert re.search(r"classifier\.1 .*<- failed", message)
    assert re.search(r"features\.0 .*<- passed", message)


def test_random_labels_fail_an_edge_detector_too(batch: Batch) -> None:
    message = failure("sobel", 0.75, batch=batch, randomization="labels")
    assert "20 images x 1 random draw, seed 0" in message
    assert re.search(r"^random_labels +1\.000 .*<- failed", message, re.MULTILINE)


def test_more_confidence_can_take_a_pass_away(batch: Batch) -> None:
    profile = src_profile(gradient, "alexnet", batch, at="last")
    threshold = (profile.similarity("features.0", 0.9).high + profile.similarity("features.0", 0.999).high) / 2
    assert_src_below(gradient, threshold, batch=batch, confidence=0.9)
    assert "99.9% interval" in failure(gradient, threshold, batch=batch, confidence=0.999)


# Arguments that do not fit


@pytest.mark.parametrize("threshold", [float("nan"), 0, 0.0, -0.5, 1.5, float("inf")])
def test_a_threshold_out_of_range_is_an_error_that_shows_it(threshold: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"above 0 and at most 1, not {threshold!r}")):
        assert_src_below("sobel", threshold)


@pytest.mark.parametrize("threshold", ["0.5", True, None, [0.5]])
def test_a_threshold_that_is_no_number_is_an_error_that_shows_it(threshold: Any) -> None:
    with pytest.raises(TypeError, match=re.escape(f"must be a number above 0 and at most 1, not {threshold!r}")):
        assert_src_below("sobel", threshold)


@pytest.mark.parametrize("threshold", [1, 1.0, np.float64(0.9)])
def test_the_whole_range_of_numbers_is_accepted(batch: Batch, threshold: float) -> None:
    assert_src_below("gradient", threshold, batch=batch, seeds=1)


def test_too_few_images_are_an_error_before_anything_is_measured() -> None:
    def never(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise NotImplementedError

    with pytest.raises(ValueError, match="at least 10 images; the batch has 9"):
        assert_src_below(never, 0.5, batch=Batch(load_batch("mnist", 9).images))


def test_a_randomizer_of_another_model_is_an_error(batch: Batch) -> None:
    randomizer = CascadingRandomizer(load_checkpoint("alexnet"))
    with pytest.raises(ValueError, match="another model"):
        assert_src_below(gradient, 0.5, model=load_checkpoint("alexnet"), batch=batch, randomization=randomizer)


def test_random_labels_of_ones_own_network_need_a_label_randomizer(batch: Batch) -> None:
    model, memorized = load_checkpoint("vgg11"), load_checkpoint("vgg11", labels="random")
    with pytest.raises(ValueError, match=r"randomization=LabelRandomizer\(model, memorized\)"):
        assert_src_below(gradient, 0.5, model=model, batch=batch, randomization="labels")
    assert_src_below(gradient, 0.9, model=model, batch=batch, randomization=LabelRandomizer(model, memorized))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"at": "clasifier"}, "unknown stage 'clasifier'.*'classifier'"),
        ({"at": "features.1"}, r"unknown stage 'features\.1'.*'features\.10'"),
        ({"randomization": "labels", "at": "classifier"}, "unknown stage 'classifier'.*random_labels"),
        ({"randomization": "weights"}, "unknown randomization 'weights'"),
        ({"sign": "both"}, "unknown sign 'both'"),
        ({"model": "alexnt"}, "unknown model 'alexnt'.*'alexnet'"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"confidence": 1.0}, "confidence must be between 0 and 1"),
        ({"at": ()}, "stage"),
    ],
)
def test_arguments_that_do_not_fit_are_errors_that_say_what_is_allowed(
    batch: Batch, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        assert_src_below("sobel", 0.5, batch=batch, **options)


def test_only_passed_passes() -> None:
    for verdict in get_args(Verdict):
        result = CheckResult("check", "method", "model", verdict, "the message", Measured(0))
        if verdict == "passed":
            assert_passed(result)
        else:
            with pytest.raises(SaliencyCheckFailed, match=r"^the message\n\nRun this again:\n  pytest .*only_passed"):
                assert_passed(result)
