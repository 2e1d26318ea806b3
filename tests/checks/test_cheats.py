"""Methods that try to look like an explanation, each caught by the check that is there for it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
import torch
from support.images import digits
from support.subjects import subject
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import CheckResult, check_method, gradcam, gradient, load_checkpoint
from pytest_saliency_sanity.checks.cascading_randomization.ask import check_cascading_randomization
from pytest_saliency_sanity.methods.controls import sobel

Method = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]
ORDERS = [f"cascading_randomization[{order}]" for order in ("top_down", "bottom_up", "independent")]


def results(cheat: Method, check: str) -> dict[str, CheckResult]:
    found = check_method(cheat, models=["alexnet"], checks=[check], images=20)
    return {result.check: result for result in found}


def verdicts(cheat: Method, check: str) -> dict[str, str]:
    return {name: result.verdict for name, result in results(cheat, check).items()}


def scaled(maps: torch.Tensor) -> torch.Tensor:
    return maps / maps.flatten(1).amax(1).clamp(min=1e-12)[:, None, None]


# What does not look at the model that it is given.


def another_model() -> Method:
    kept = load_checkpoint("alexnet")

    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return gradcam(kept, images, targets)

    return cheat


def first_model_seen() -> Method:
    weights: dict[str, torch.Tensor] = {}

    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if not weights:
            weights.update({name: value.clone() for name, value in model.state_dict().items()})
        first = copy.deepcopy(model)
        first.load_state_dict(weights)
        return gradient(first, images, targets)

    return cheat


def kept_by_image() -> Method:
    kept: dict[bytes, torch.Tensor] = {}

    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        for index, image in enumerate(images):
            key = image.numpy().tobytes()
            if key not in kept:
                kept[key] = gradcam(model, images[index : index + 1], targets[index : index + 1])[0]
        return torch.stack([kept[image.numpy().tobytes()] for image in images])

    return cheat


def edges_with_a_trace_of_gradient() -> Method:
    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        magnitude = gradient(model, images, targets).abs().sum(1)
        return scaled(sobel(model, images, targets)) + 0.001 * scaled(magnitude)

    return cheat


NOT_THE_MODELS = [
    another_model,
    pytest.param(first_model_seen, marks=pytest.mark.slow),
    kept_by_image,
    # As near to a threshold as can be, so it takes all images and draws.
    pytest.param(edges_with_a_trace_of_gradient, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("make", NOT_THE_MODELS)
def test_maps_that_are_not_those_of_the_model_fail_in_every_order(make: Callable[[], Method]) -> None:
    assert verdicts(make(), "cascading_randomization") == dict.fromkeys(ORDERS, "failed")


@pytest.mark.parametrize("make", NOT_THE_MODELS)
def test_they_fail_on_randomised_labels_too(make: Callable[[], Method]) -> None:
    assert verdicts(make(), "label_randomization") == {"label_randomization": "failed"}


# What does not look at the class that it is asked for.


def of_the_predicted_class() -> Method:
    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            predicted = model(images).argmax(1)
        return gradient(model, images, predicted)

    return cheat


def of_all_classes() -> Method:
    def cheat(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return sum(gradient(model, images, torch.full_like(targets, each)) for each in range(10))  # type: ignore[return-value]

    return cheat


@pytest.mark.parametrize(
    "make",
    [
        of_the_predicted_class,
        pytest.param(of_all_classes, marks=pytest.mark.slow),
        kept_by_image,
        edges_with_a_trace_of_gradient,
    ],
)
def test_maps_that_are_not_those_of_the_class_fail(make: Callable[[], Method]) -> None:
    assert verdicts(make(), "class_sensitivity") == {"class_sensitivity": "failed"}


@pytest.mark.slow
def test_a_method_that_randomisation_alone_would_let_pass_is_caught_by_the_class() -> None:
    # Why there is more than one question: these maps are the model's, and not the class's.
    found = verdicts(of_the_predicted_class(), "cascading_randomization")
    assert found["cascading_randomization[top_down]"] == "passed"
    assert "failed" not in found.values()


# What is not repeatable, or leaves something behind.


def only_noise(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.rand(images.shape)


def test_maps_that_change_because_they_are_noise_fail_repeatability() -> None:
    assert verdicts(only_noise, "repeatability") == {"repeatability": "failed"}


def leaves_train_mode(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    maps = gradient(model, images, targets)
    model.train()
    return maps


def leaves_a_hook(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    next(model.children()).register_forward_hook(lambda module, arguments, output: None)
    return gradient(model, images, targets)


def leaves_gradients(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    model(images).gather(1, targets[:, None]).sum().backward()
    return gradient(model, images, targets)


@pytest.mark.parametrize(
    ("cheat", "told"),
    [
        (leaves_train_mode, "the training mode of"),
        (leaves_a_hook, "the hooks (forward_hooks) of"),
        (leaves_gradients, "not left as found: grad of"),
    ],
)
def test_what_a_method_leaves_behind_is_named(cheat: Method, told: str) -> None:
    result = results(cheat, "contract")["contract"]
    assert result.verdict == "failed"
    assert told in result.message


# Honest maps with more and more of a cheat in them.

SHARES = (0, 0.25, 0.5, 0.75, 1)


def mixture(share: float) -> Method:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        enlarged = F.interpolate(gradcam(model, images, targets)[:, None], images.shape[2:], mode="bilinear")[:, 0]
        return (1 - share) * scaled(enlarged) + share * scaled(sobel(model, images, targets))

    return method


@cache
def mixed() -> tuple[CheckResult, ...]:
    def top_down(share: float) -> CheckResult:
        found = subject(mixture(share), images=digits(20), name=f"mixture {share}")
        return check_cascading_randomization(found, order="top_down")

    return tuple(top_down(share) for share in SHARES)


def test_the_more_edges_the_more_alike_the_maps() -> None:
    means = [result.stages[-1].interval.mean for result in mixed()]
    assert means == sorted(means)
    assert means[-1] == pytest.approx(1)


def test_the_verdict_flips_once_from_passed_to_failed() -> None:
    found = [result.verdict for result in mixed()]
    assert (found[0], found[-1]) == ("passed", "failed")
    flips = sum(one != other for one, other in pairwise(found))
    assert flips == 1, found
