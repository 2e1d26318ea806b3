"""The public face: profiles of methods and models by name, the same whichever way they are measured."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.images import digits, noise
from support.networks import is_copy
from support.skips import needs_cuda
from support.traces import random_streams
from torch import nn

from pytest_saliency_sanity import (
    Batch,
    CascadingRandomizer,
    LabelRandomizer,
    SrcProfile,
    check_method,
    gradcam,
    gradient,
    load_batch,
    load_checkpoint,
    smoothgrad,
    spearman,
    src_profile,
)
from pytest_saliency_sanity.checks.judging.verdict import judge_stages
from pytest_saliency_sanity.data.scenes import load_scenes
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.measuring.profile import Cause
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

IMAGES = 10
STAGES = (*(f"classifier.{i}" for i in (6, 4, 1)), *(f"features.{i}" for i in (10, 8, 6, 3, 0)))
Maps = Callable[[nn.Module, torch.Tensor, torch.Tensor], Any]


@pytest.fixture
def model() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def batch() -> Batch:
    return Batch(digits(IMAGES))


def same(a: SrcProfile, b: SrcProfile) -> bool:
    """The same to the last bit, NaN included."""
    return a.stages == b.stages and a.src.tobytes() == b.src.tobytes() and a.causes.tobytes() == b.causes.tobytes()


def pixels(images: torch.Tensor) -> torch.Tensor:
    return images.sum(1)


def test_a_profile_has_a_src_for_every_seed_stage_and_image(model: nn.Module, batch: Batch) -> None:
    profile = src_profile(gradient, model, batch, seeds=2)
    assert profile.stages == STAGES
    assert profile.src.shape == profile.causes.shape == (2, len(STAGES), IMAGES)
    assert profile.src.dtype == np.float64
    assert np.abs(profile.src).max() <= 1
    assert (profile.method, profile.model, profile.sign, profile.seed) == ("gradient", "AlexNet", "signed", 0)


def test_every_src_is_that_of_the_maps_before_and_after(model: nn.Module, batch: Batch) -> None:
    targets = logits_of(model, batch.images).argmax(1)
    profile = src_profile(gradient, model, batch, seeds=1, sign="signed", seed=4)
    maps: dict[str, torch.Tensor] = {}

    def spy(spied: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        found = gradient(spied, images, classes)
        maps[str(len(maps))] = found.sum(1)
        return found

    src_profile(spy, model, batch, seeds=1, sign="signed", seed=4)
    before, *after = maps.values()
    assert torch.equal(before, gradient(model, batch.images, targets).sum(1))
    expected = torch.stack([spearman(before, each) for each in after])
    torch.testing.assert_close(torch.tensor(profile.src[0]), expected, atol=1e-12, rtol=0)


def test_absolute_maps_sum_magnitudes_and_signed_maps_sum_values(model: nn.Module, batch: Batch) -> None:
    channels = torch.randn(IMAGES, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    other = torch.randn(IMAGES, 3, 5, 5, generator=torch.Generator().manual_seed(1))

    def method(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return channels if is_copy(seen, model) else other

    signed = src_profile(method, model, batch, at="last", seeds=1, sign="signed").src[0, 0]
    absolute = src_profile(method, model, batch, at="last", seeds=1, sign="absolute").src[0, 0]
    np.testing.assert_allclose(signed, spearman(channels.sum(1), other.sum(1)).numpy(), atol=1e-12)
    np.testing.assert_allclose(absolute, spearman(channels.abs().sum(1), other.abs().sum(1)).numpy(), atol=1e-12)


@pytest.mark.parametrize("order", ["top_down", "bottom_up", "independent"])
@pytest.mark.parametrize("law", ["normal", "permute"])
def test_an_edge_detector_has_src_one_at_every_stage(model: nn.Module, batch: Batch, order: str, law: str) -> None:
    randomizer = CascadingRandomizer(model, order=order, law=law)
    profile = src_profile("sobel", model, batch, randomization=randomizer, seeds=2)
    alive = profile.causes != Cause.DEAD_MODEL
    np.testing.assert_allclose(profile.src[alive], 1, rtol=0, atol=1e-12)
    assert np.isnan(profile.src[~alive]).all()
    assert alive.mean() > 0.6


def test_uniform_noise_has_src_about_zero_at_every_stage(model: nn.Module, batch: Batch) -> None:
    profile = src_profile("uniform_noise", model, batch)
    # Each SRC has the standard deviation 1 / sqrt(4095).
    assert np.abs(profile.src).max() < 5 / 4095**0.5
    for stage in profile.stages:
        assert abs(profile.mean(stage)) < 4 / (4095 * 3 * IMAGES) ** 0.5


def test_a_noisy_method_finds_other_noise_at_every_stage_and_draw(model: nn.Module, batch: Batch) -> None:
    src = src_profile("uniform_noise", model, batch, seeds=2).src
    assert len(np.unique(src)) == src.size


def test_random_labels_have_one_version_whatever_the_seeds(model: nn.Module, batch: Batch) -> None:
    randomizer = LabelRandomizer(model, load_checkpoint("alexnet", labels="random"))
    profile = src_profile(gradient, model, batch, randomization=randomizer, seeds=5)
    assert profile.stages == ("random_labels",)
    assert profile.src.shape == (1, 1, IMAGES)
    assert same(profile, src_profile("gradient", "alexnet", batch, randomization="labels"))


def test_names_mean_the_shipped_networks_and_built_in_methods(model: nn.Module, batch: Batch) -> None:
    by_name = src_profile("gradient", "alexnet", batch, at="last")
    assert (by_name.method, by_name.model) == ("gradient", "alexnet")
    assert same(by_name, src_profile(gradient, model, batch, at="last"))


def test_without_a_batch_100_held_out_digits_are_looked_at() -> None:
    profile = src_profile("sobel", "alexnet", at="last", seeds=1)
    assert profile.src.shape == (1, 1, 100)
    assert same(profile, src_profile("sobel", "alexnet", Batch(digits(100)), at="last", seeds=1))


def test_repeated_the_numbers_are_the_same_to_the_last_bit(model: nn.Module, batch: Batch) -> None:
    for method in (gradient, smoothgrad, gradcam, "uniform_noise"):
        first = src_profile(method, model, batch, at=("classifier", "last"), seeds=2)
        torch.rand(7), np.random.rand(7), random.random()
        assert same(src_profile(method, model, batch, at=("classifier", "last"), seeds=2), first)


@pytest.mark.parametrize("method", ["gradient", "uniform_noise"])
@pytest.mark.parametrize("order", ["top_down", "bottom_up", "independent"])
def test_a_stage_measured_alone_equals_that_of_the_whole_cascade(
    model: nn.Module, batch: Batch, order: str, method: str
) -> None:
    randomizer = CascadingRandomizer(model, order=order)
    every = src_profile(method, model, batch, randomization=randomizer, seeds=2)
    for stage in every.stages:
        alone = src_profile(method, model, batch, randomization=randomizer, at=stage, seeds=2)
        assert alone.stages == (stage,)
        assert alone.at(stage).tobytes() == every.at(stage).tobytes()


def test_several_stages_come_in_the_order_of_the_cascade(model: nn.Module, batch: Batch) -> None:
    forth = src_profile(gradient, model, batch, at=("classifier", "last", "features.8"), seeds=1)
    back = src_profile(gradient, model, batch, at=["features.8", "last", "classifier", "last"], seeds=1)
    assert forth.stages == ("classifier.1", "features.8", "features.0")
    assert same(forth, back)


def test_more_seeds_keep_the_first_ones(model: nn.Module, batch: Batch) -> None:
    few = src_profile(gradient, model, batch, at="last", seeds=1)
    more = src_profile(gradient, model, batch, at="last", seeds=3)
    assert few.src[0].tobytes() == more.src[0].tobytes()
    assert len({draw.tobytes() for draw in more.src}) == 3


def test_another_seed_draws_other_weights(model: nn.Module, batch: Batch) -> None:
    first, second = (src_profile(gradient, model, batch, at="last", seed=seed) for seed in (0, 1))
    assert not (first.src == second.src).any()


def test_the_global_random_streams_are_left_as_found(model: nn.Module, batch: Batch) -> None:
    def drawing(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.rand(len(images), 4, 4) + float(np.random.rand()) + random.random()

    before = random_streams()
    src_profile(drawing, model, batch, at="last")
    assert random_streams() == before


def test_model_and_images_are_left_as_found(model: nn.Module, batch: Batch) -> None:
    def greedy(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = gradient(seen, images, targets)
        images.zero_()
        targets.zero_()
        return maps

    model.train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = batch.images.clone()
    targets = load_batch("mnist", IMAGES).targets
    assert targets is not None
    src_profile(greedy, model, Batch(batch.images, targets), at="last")
    assert torch.equal(batch.images, images)
    assert targets.tolist() == list(range(10))
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())


def classes_explained(model: nn.Module, batch: Batch, **options: Any) -> list[list[int]]:
    seen = []

    def spy(spied: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(targets.tolist())
        return pixels(images)

    src_profile(spy, model, batch, **options)
    return seen


def test_the_class_stays_that_of_the_unrandomised_model(model: nn.Module, batch: Batch) -> None:
    predicted = logits_of(model, batch.images).argmax(1).tolist()
    assert len(set(predicted)) > 3
    assert classes_explained(model, batch, seeds=2) == [predicted] * (1 + 2 * len(STAGES))


def test_targets_of_the_batch_are_the_classes_explained(model: nn.Module, batch: Batch) -> None:
    targets = torch.tensor([3, 3, 7, 0, 1, 9, 9, 2, 5, 4])
    assert targets.tolist() != logits_of(model, batch.images).argmax(1).tolist()
    seen = classes_explained(model, Batch(batch.images, targets), seeds=1)
    assert seen == [targets.tolist()] * (1 + len(STAGES))


def test_the_class_under_random_labels_is_that_of_the_model_trained_on_true_ones(batch: Batch) -> None:
    true, memorized = load_checkpoint("alexnet"), load_checkpoint("alexnet", labels="random")
    predicted = logits_of(true, batch.images).argmax(1).tolist()
    assert predicted != logits_of(memorized, batch.images).argmax(1).tolist()
    assert classes_explained(true, batch, randomization=LabelRandomizer(true, memorized)) == [predicted] * 2


def test_every_undefined_src_has_its_cause(model: nn.Module, batch: Batch) -> None:
    def method(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = pixels(images).clone()
        trained = is_copy(seen, model)
        maps[0] = 3.0 if trained else maps[0]  # constant before
        maps[1] = maps[1] if trained else 0.0  # constant after
        maps[2] = 0.0  # constant before and after
        maps[3, 5, 5] = torch.nan if trained else 1.0
        maps[4, 5, 5] = 1.0 if trained else -torch.inf
        maps[5] = 0.0 if trained else torch.nan
        return maps

    profile = src_profile(method, model, batch, seeds=2)
    assert [str(Cause(cause)) if cause else "" for cause in profile.causes[1, -1]] == [
        "constant map of the trained model",
        "constant map of the randomised model",
        "constant map of the trained model",
        "map with NaN or infinity",
        "map with NaN or infinity",
        "map with NaN or infinity",
        *[""] * 4,
    ]
    assert (np.isnan(profile.src) == (profile.causes > 0)).all()
    np.testing.assert_allclose(profile.src[:, :, 6:], 1, atol=1e-12)
    assert profile.undefined("features.0") == 2 * 6
    assert profile.causes_at("features.0") == {
        Cause.CONSTANT_BEFORE: 4,
        Cause.CONSTANT_AFTER: 2,
        Cause.NOT_FINITE: 6,
    }
    assert profile.mean("features.0") == pytest.approx(1)


def test_dead_models_are_never_scored(model: nn.Module, batch: Batch) -> None:
    stages = []

    def spy(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        stages.append(seen)
        return pixels(images)

    randomizer = CascadingRandomizer(model, std=1e-30)
    profile = src_profile(spy, model, batch, randomization=randomizer, at="last", seeds=2)
    assert np.isnan(profile.src).all()
    assert profile.causes_at("features.0") == {Cause.DEAD_MODEL: 2 * IMAGES}
    assert len(stages) == 3  # the trained model and two draws, whose maps are left out


@pytest.mark.parametrize("value", [0.0, torch.nan, torch.inf])
def test_a_method_with_one_value_only_is_undefined_and_does_not_pass(
    model: nn.Module, batch: Batch, value: float
) -> None:
    def flat(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.full((len(images), 4, 4), value)

    profile = src_profile(flat, model, batch, at="last")
    assert np.isnan(profile.mean("features.0"))
    assert [each.verdict for each in judge_stages(profile, 1.0)] == ["undefined"]


BAD: dict[str, tuple[Maps, str]] = {
    "raises": (lambda model, images, targets: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "numpy": (lambda model, images, targets: pixels(images).numpy(), r"returned numpy\.ndarray, not a float tensor"),
    "nothing": (lambda model, images, targets: None, "returned NoneType"),
    "list": (lambda model, images, targets: list(pixels(images)), "returned list"),
    "one map": (lambda model, images, targets: pixels(images)[0], r"returned the shape \(64, 64\)"),
    "too few": (lambda model, images, targets: pixels(images)[1:], r"returned the shape \(9, 64, 64\)"),
    "too many dimensions": (lambda model, images, targets: images[None], r"returned the shape \(1, 10, 3, 64, 64\)"),
    "whole numbers": (lambda model, images, targets: pixels(images).long(), r"returned torch\.int64"),
    "truth": (lambda model, images, targets: pixels(images) > 0, r"returned torch\.bool"),
    "one position": (lambda model, images, targets: images[:, :, :1, :1], "a map needs at least two positions"),
    "no position": (lambda model, images, targets: images[:, :, :0], "a map needs at least two positions"),
}


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "at a stage"])
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_maps_is_an_error_that_names_method_model_and_stage(
    model: nn.Module, batch: Batch, kind: str, at_once: bool
) -> None:
    bad, problem = BAD[kind]

    def my_method(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> Any:
        return bad(seen, images, targets) if at_once or not is_copy(seen, model) else pixels(images)

    where = "the trained model" if at_once else r"features\.10"
    with pytest.raises(SaliencyMethodError, match=rf"^my_method on AlexNet, {where}: the method .*{problem}"):
        src_profile(my_method, model, batch, at="features.10")


def test_what_a_method_raised_is_the_cause_of_the_error(model: nn.Module, batch: Batch) -> None:
    with pytest.raises(SaliencyMethodError) as caught:
        src_profile(BAD["raises"][0], model, batch)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_maps_whose_size_changes_within_a_batch_are_an_error(model: nn.Module) -> None:
    def uneven(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return pixels(images)[:, : 10 + len(images)]

    # More images than go through a model at a time: 85 and 5.
    with pytest.raises(SaliencyMethodError, match=r"uneven on AlexNet, the trained model: .* different sizes"):
        src_profile(uneven, model, Batch(digits(90)))


def test_maps_whose_size_changes_at_a_stage_are_an_error_that_names_it(model: nn.Module, batch: Batch) -> None:
    def shrinking(seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return pixels(images) if is_copy(seen, model) else pixels(images)[:, ::2]

    with pytest.raises(SaliencyMethodError, match=r"^shrinking on AlexNet, features\.0: .*\(32, 64\).*\(64, 64\)"):
        src_profile(shrinking, model, batch, at="last")


def test_a_callable_object_is_named_by_its_class(model: nn.Module, batch: Batch) -> None:
    class Painter:
        def __call__(self, seen: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return pixels(images)

    assert src_profile(Painter(), model, batch, at="last", seeds=1).method == "Painter"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"sign": "abs"}, "unknown sign 'abs'.*'absolute'"),
        ({"seeds": 0}, "seeds must be at least 1, not 0"),
        ({"at": "lasst"}, "unknown stage 'lasst'.*'last'"),
        ({"at": ("last", "claccifier")}, "unknown stage 'claccifier'.*'classifier'"),
        ({"randomization": "cascade"}, "unknown randomization 'cascade'.*'cascading'"),
        ({"randomization": "labels"}, "LabelRandomizer"),
    ],
)
def test_arguments_that_do_not_fit_are_errors_that_say_what_is_allowed(
    model: nn.Module, batch: Batch, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        src_profile(gradient, model, batch, **options)


def test_no_stage_at_all_is_an_error(model: nn.Module, batch: Batch) -> None:
    with pytest.raises(ValueError, match="stage"):
        src_profile(gradient, model, batch, at=())


def test_an_unknown_model_or_method_is_an_error_with_near_matches(batch: Batch) -> None:
    with pytest.raises(ValueError, match=r"unknown model 'alexnett'.*'alexnet'"):
        src_profile(gradient, "alexnett", batch)
    with pytest.raises(ValueError, match=r"unknown method 'gradcm'.*'gradcam'"):
        src_profile("gradcm", "alexnet", batch)


def test_a_randomizer_of_another_model_is_an_error(model: nn.Module, batch: Batch) -> None:
    with pytest.raises(ValueError, match="another model"):
        src_profile(gradient, model, batch, randomization=CascadingRandomizer(load_checkpoint("alexnet")))


def test_a_network_in_half_precision_is_asked_as_any_other() -> None:
    (result,) = check_method(
        gradient,
        models=["support.networks:half_precision"],
        checks=["repeatability"],
        batch=Batch(noise(10, 3, 12, 12)),
    )
    assert (result.verdict, [stage.undefined for stage in result.stages]) == ("passed", [0])


def test_a_failure_on_a_deep_network_measures_a_part_of_its_stages() -> None:
    (top_down,) = check_method(
        sobel,
        models=["support.networks:deep"],
        checks=["cascading_randomization[top_down]"],
        batch=Batch(noise(10, 3, 8, 8)),
    )
    assert top_down.verdict == "failed"
    assert "13 of 57 stages are shown." in top_down.message
    assert top_down.message.count("must stay below") >= 3  # both judged stages, and the sentence


@needs_cuda
@pytest.mark.saliency_gpu
@pytest.mark.parametrize("method", [gradcam, smoothgrad])
def test_the_cascade_has_the_same_srcs_on_cuda_up_to_rounding(method: SaliencyMethod) -> None:
    images = digits(20)
    model = load_checkpoint("alexnet")
    on_cpu = src_profile(method, model, Batch(images), at="classifier", seeds=2)
    on_cuda = src_profile(method, model.to("cuda"), Batch(images), at="classifier", seeds=2)
    # The weights are drawn on the CPU, so they are the same; convolutions round otherwise, which can swap close ranks.
    torch.testing.assert_close(torch.tensor(on_cuda.src), torch.tensor(on_cpu.src), atol=0.02, rtol=0, equal_nan=True)


@pytest.mark.parametrize("model", ["resnet", "alexnet"])
def test_a_shipped_network_is_shown_what_it_learned_to_tell(model: str) -> None:
    shown: list[torch.Tensor] = []

    def method(network: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        shown.append(images.clone())
        return images.sum(1)

    src_profile(method, model, at="classifier", seeds=1)
    learned = load_scenes(100).batch if model == "resnet" else load_batch(n=100)
    first = torch.cat(shown)[:100]
    assert torch.equal(first, learned.images)
