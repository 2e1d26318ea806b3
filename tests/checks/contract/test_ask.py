"""The contract: right methods keep it, and each promise is seen to be broken, on the smallest example that shows it."""

from __future__ import annotations

import ast
import json
import os
import random
import re
import subprocess
import sys
import time
import unittest
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, product
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import pytest_saliency_sanity.checks.contract.trial as trials
from pytest_saliency_sanity import CheckResult, gradient, resolve_method
from pytest_saliency_sanity.checks.contract.ask import EXAMPLES, check_contract
from pytest_saliency_sanity.checks.contract.networks import HEADS, LAYERS, Example, FunctionalReLU
from pytest_saliency_sanity.checks.contract.promises import BrokenPromiseError, difference_of
from pytest_saliency_sanity.checks.contract.search import search
from pytest_saliency_sanity.checks.contract.trial import can_be_trained
from pytest_saliency_sanity.checks.judging.result import Figure, Measured
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.methods.controls import sobel

Maps = torch.Tensor
SMALLEST = Example()


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    """Put torch's switches back, whatever a wrong method has done to them."""
    threads = torch.get_num_threads()
    yield
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    if torch.are_deterministic_algorithms_enabled():  # to ask is free, to set imports a compiler
        torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


def measured(examples: int) -> Measured:
    """Return what is measured of a method that breaks no promise."""
    return Measured(seed=0, figures=(Figure("networks tried", examples),))


def reported(result: CheckResult) -> Example:
    """Return the example that a result names, from its text alone, as a reader would."""
    call = ast.parse(str(result.measured.figure("smallest example")), mode="eval").body
    assert isinstance(call, ast.Call)
    return Example(**{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg})


def figure(result: CheckResult, name: str) -> int:
    """Return a count that was measured; 0 if it was not."""
    return int(result.measured.figure(name) or 0)


@pytest.mark.parametrize("examples", [25, pytest.param(EXAMPLES, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name", ["gradcam", "gradient", "smoothgrad", "sobel", "input", "uniform_noise", "guided_backprop"]
)
def test_the_built_in_methods_keep_it(name: str, examples: int) -> None:
    result = check_contract(resolve_method(name), name, examples=examples)
    assert (result.verdict, result.measured) == ("passed", measured(examples)), result.message
    assert (result.check, result.method, result.threshold, result.interval) == ("contract", name, None, None)


# Methods that are right but for one thing each.


def numpy_maps(model: nn.Module, images: Maps, targets: Maps) -> Any:
    return gradient(model, images, targets).numpy()


def flat_maps(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    return gradient(model, images, targets).flatten(1)


def one_map_too_many(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    return torch.cat([maps, maps[:1]])


def empty_maps(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    return gradient(model, images, targets)[:, :, :0]


def integer_maps(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    return (gradient(model, images, targets) * 1000).int()


def attached_maps(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    images = images.clone().requires_grad_()
    return images * gradient(model, images.detach(), targets)


def scaled_to_one(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    return maps / maps.abs().amax((1, 2, 3), keepdim=True)  # 0 / 0 where the network is dead


def scaled_over_the_batch(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    return maps / maps.abs().amax().clamp(min=1e-12)


def only_the_first_image(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    maps[1:] = 0
    return maps


CALLS = count()


def hidden_random_numbers(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    # Of no stream that can be seeded; calls near each other never get nearly the same one, as they might by chance.
    return gradient(model, images, targets) * (1 + 0.618034 * next(CALLS) % 1)


def seeds_torch(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    torch.manual_seed(0)
    return gradient(model, images + torch.randn_like(images), targets)


def seeds_numpy(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    np.random.seed(0)
    return gradient(model, images, targets)


def seeds_python(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    random.seed(0)
    return gradient(model, images, targets)


def changes_the_images(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    return gradient(model, images.add_(1), targets)


def changes_the_targets(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    targets.add_(1)
    return maps


def gradients_of_the_images(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    images.requires_grad_()
    return gradient(model, images.detach(), targets)


def fills_grad(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    modes = {module: module.training for module in model.modules()}
    images = images.clone().requires_grad_()
    model.eval()(images.clone()).gather(1, targets[:, None]).sum().backward()
    for module, mode in modes.items():
        module.training = mode
    assert images.grad is not None
    return images.grad


def leaves_a_hook(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    model.get_submodule("layers.0").register_forward_hook(lambda module, arguments, output: None)
    return gradient(model, images, targets)


def leaves_a_hook_of_a_weight(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    model.get_parameter("classifier.weight").requires_grad_().register_hook(lambda gradients: None)
    return gradient(model, images, targets)


def leaves_train_mode(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    model.train()
    return maps


def leaves_eval_mode(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    return gradient(model.eval(), images, targets)


def runs_in_train_mode(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    norms = [module.train() for module in model.modules() if isinstance(module, nn.BatchNorm2d) and not module.training]
    with suppress(Exception):
        model(images)  # batch norms note what they see
    for norm in norms:
        norm.eval()
    return gradient(model, images, targets)


def unfreezes(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    model.requires_grad_(True)
    return gradient(model, images, targets)


def changes_a_weight(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    with torch.no_grad():
        model.get_parameter("classifier.weight").mul_(2)
    return maps


def swaps_a_module(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    model.register_module("classifier", nn.Identity())
    return maps


def leaves_an_attribute(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    model.get_submodule("layers.0").activations = images.clone()
    return gradient(model, images, targets)


def patches_forward(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    layer: Any = model.get_submodule("layers.0")
    layer.forward = layer.forward
    return gradient(model, images, targets)


def nothing_in_place(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    for module in model.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    return gradient(model, images, targets)


def switches_gradients_off(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    torch.set_grad_enabled(False)
    return maps


def changes_the_default_type(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    torch.set_default_dtype(torch.float64)
    return maps


def only_deterministic_algorithms(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    torch.use_deterministic_algorithms(True)
    return maps


def more_threads(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    torch.set_num_threads(torch.get_num_threads() + 1)
    return maps


def one_thread_only(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    torch.set_num_threads(1)
    return maps


def replaces_a_function(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    F.relu = torch.sigmoid  # type: ignore[assignment]
    return maps


def hooks_all_modules(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    maps = gradient(model, images, targets)
    nn.modules.module.register_module_forward_hook(lambda *_: None)
    return maps


def mode_lost_in_an_exception(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    modes = {module: module.training for module in model.modules()}
    maps = gradient(model.train(False), images, targets)
    for module, mode in modes.items():  # not in a finally
        module.training = mode
    return maps


def gradient_lost_in_an_exception(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    model.requires_grad_(True)
    maps = gradient(model, images, targets)
    for parameter in frozen:
        parameter.requires_grad_(False)
    return maps


def hook_lost_in_the_backward_pass(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    handle = model.get_submodule("layers.0").register_full_backward_hook(lambda *_: None)
    try:
        with torch.no_grad():
            model.eval()(images)
    except RuntimeError:
        handle.remove()  # thought of the forward pass only
        raise
    maps = gradient(model, images, targets)
    handle.remove()
    return maps


def needs_modules(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    if any(isinstance(module, FunctionalReLU) for module in model.modules()):
        raise NotImplementedError("functional ReLU")
    return gradient(model, images, targets)


WRONG = [
    (numpy_maps, "it returned numpy.ndarray, not a float tensor (1, h, w)", SMALLEST),
    (flat_maps, "it returned the shape (1, 36), not a float tensor (1, h, w)", SMALLEST),
    (one_map_too_many, "it returned the shape (2, 1, 6, 6)", SMALLEST),
    (empty_maps, "it returned the shape (1, 1, 0, 6)", SMALLEST),
    (integer_maps, "it returned torch.int32", SMALLEST),
    (attached_maps, "its maps are not detached", SMALLEST),
    (scaled_to_one, "36 of 36 values are not finite", Example(layers=("dead relu",))),
    (scaled_over_the_batch, "has another map alone than in the batch of 2", Example(images=2)),
    (only_the_first_image, "image 1 has another map alone than in the batch of 2", Example(images=2)),
    (hidden_random_numbers, "the same call with the same seed gives other maps", SMALLEST),
    (seeds_torch, "it seeds the global random stream of torch,", SMALLEST),
    (seeds_numpy, "it seeds the global random stream of numpy,", SMALLEST),
    (seeds_python, "it seeds the global random stream of Python,", SMALLEST),
    (changes_the_images, "the values of the images changed", SMALLEST),
    (changes_the_targets, "the values of the targets changed", SMALLEST),
    (gradients_of_the_images, "requires_grad of the images changed from False to True", SMALLEST),
    (fills_grad, "grad of bias of classifier changed: it was None", SMALLEST),
    (leaves_a_hook, "the hooks (forward_hooks) of layers.0 changed", SMALLEST),
    (leaves_a_hook_of_a_weight, "hooks", SMALLEST),
    (leaves_train_mode, "the training mode of classifier changed from False to True", SMALLEST),
    (leaves_eval_mode, "the training mode of classifier changed from True to False", Example(training=True)),
    (runs_in_train_mode, "of layers.1 changed", Example(layers=("batch norm",))),
    (unfreezes, "requires_grad of bias of layers.0 changed from False to True", Example(frozen=True)),
    (changes_a_weight, "the values of weight of classifier changed", SMALLEST),
    (swaps_a_module, "classifier", SMALLEST),
    (leaves_an_attribute, "the attribute activations of layers.0 is new", SMALLEST),
    (patches_forward, "the attribute forward of layers.0 is new", SMALLEST),
    (nothing_in_place, "inplace of layers.1 changed from True to False", Example(layers=("relu in place",))),
    (switches_gradients_off, "whether gradients are on changed from True to False", SMALLEST),
    (changes_the_default_type, "torch's default type changed", SMALLEST),
    (only_deterministic_algorithms, "torch's deterministic mode changed from False, False to True, False", SMALLEST),
    (more_threads, "torch's number of threads changed", SMALLEST),
    (one_thread_only, "torch's number of threads changed from 2 to 1", SMALLEST),
    (replaces_a_function, "torch.nn.functional.relu, which was replaced", SMALLEST),
    (hooks_all_modules, "a hook on all modules (forward_hooks)", SMALLEST),
    (
        mode_lost_in_an_exception,
        "not left as found after an exception in the forward pass: the training mode of",
        Example(training=True),
    ),
    (
        gradient_lost_in_an_exception,
        "not left as found after an exception in the forward pass: requires_grad of bias of layers.0",
        Example(frozen=True),
    ),
]
wrong_methods = pytest.mark.parametrize(
    ("method", "told", "smallest"), [pytest.param(*wrong, id=wrong[0].__name__) for wrong in WRONG]
)


@wrong_methods
def test_a_broken_promise_is_named_and_shown_on_the_smallest_example(method: Any, told: str, smallest: Example) -> None:
    result = check_contract(method, "wrong")
    assert result.verdict == "failed"
    assert told in result.message
    assert (reported(result), result.measured.figure("smallest example")) == (smallest, repr(smallest))
    assert str(smallest).splitlines()[0] in result.message


# Methods that refuse.


def test_a_network_that_is_refused_is_a_finding_with_the_smallest_one() -> None:
    result = check_contract(needs_modules, "it", examples=40)
    assert result.verdict == "passed"
    (finding,) = result.findings
    assert finding.text == "it refuses some networks"
    assert finding.figure == (
        "conv, functional relu, mean, linear, images of 3 x 64 x 64: NotImplementedError: functional ReLU"
    )
    assert finding.figure in result.message
    assert 0 < figure(result, "networks refused") < 40
    assert result.passed_in("gate")
    assert not result.passed_in("full")


def test_a_method_that_refuses_all_networks_is_not_asked() -> None:
    def for_transformers(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        raise TypeError("SmallNetwork has no encoder")

    result = check_contract(for_transformers, "it", examples=40)
    assert (result.verdict, result.passed_in("gate")) == ("undefined", False)
    assert "it refuses all small random networks" in result.not_asked
    assert "conv, mean, linear, images of 3 x 64 x 64: TypeError: SmallNetwork has no encoder" in result.not_asked


@pytest.mark.parametrize("form", [(3, 64, 64), (1, 40, 56)])
def test_a_window_larger_than_the_small_images_fits_those_of_the_run(form: tuple[int, int, int]) -> None:
    def with_a_window(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        if min(images.shape[2:]) < 32 or images.shape[1] != form[0]:
            raise ValueError("the window does not fit")
        return gradient(model, images, targets)

    result = check_contract(with_a_window, "it", form=form)
    assert (result.verdict, result.findings) == ("passed", ())
    assert figure(result, "refused for small images only") == trials.MOST_ENLARGED
    assert figure(result, "networks tried") > trials.MOST_ENLARGED


def test_what_is_wrong_on_images_of_the_run_only_is_found_on_them() -> None:
    def skips_large_images(model: nn.Module, images: Maps, targets: Maps) -> Any:
        return None if images.shape[2] >= 64 else gradient(model, images, targets)

    result = check_contract(skips_large_images, "it")
    assert "it returned NoneType" in result.message
    assert reported(result) == Example(channels=3, size=(64, 64))


def for_one_image(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    if len(images) > 1:
        raise ValueError("one image, please")
    return gradient(model, images, targets)


def for_trainable_parameters(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    if not all(parameter.requires_grad for parameter in model.parameters()):
        raise RuntimeError("element 0 of tensors does not require grad")
    return gradient(model, images, targets)


def only_once(model: nn.Module, images: Maps, targets: Maps) -> Maps:
    if next(CALLS) % 2:
        raise RuntimeError("only once")
    return gradient(model, images, targets)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        (for_one_image, "it raised ValueError: one image, please, but not for one image of this network"),
        (for_trainable_parameters, "does not require grad, but not for one image of this network in evaluation mode"),
        (only_once, "it raised RuntimeError: only once, but not when it was called first"),
    ],
)
def test_a_network_is_refused_for_good_or_not_at_all(method: Any, told: str) -> None:
    result = check_contract(method, "it")
    assert result.verdict == "failed"
    assert told in result.message


def skip_of_unittest(reason: str) -> None:
    raise unittest.SkipTest(reason)


@pytest.mark.parametrize(
    "outcome",
    [pytest.skip, pytest.xfail, pytest.fail, pytest.exit, sys.exit, skip_of_unittest],
)
def test_what_would_end_or_excuse_a_test_is_no_refusal(outcome: Any) -> None:
    def ends(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        outcome("not today")
        raise AssertionError

    told = (
        r"^it on small random networks: the method raised \w+: not today; a method can't end, skip or excuse the test"
    )
    with pytest.raises(SaliencyMethodError, match=told):
        check_contract(ends, "it", examples=10)


# Rounding.


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_maps_of_any_precision_keep_it(kind: torch.dtype) -> None:
    def in_kind(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return gradient(model, images, targets).to(kind)

    result = check_contract(in_kind, "it", examples=30)
    assert result.verdict == "passed", result.message


def test_maps_that_are_zero_up_to_rounding_are_the_same() -> None:
    def nearly_nothing(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return torch.full_like(images, 7e-7 if len(images) == 1 else -7e-7)

    assert check_contract(nearly_nothing, "it", examples=25).verdict == "passed"


def test_a_division_by_next_to_nothing_is_no_dependence_on_the_batch() -> None:
    # In float32 the sum of the batch and of the image alone differ by rounding, which the division makes large.
    def unstable(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        tiny = torch.finfo(images.dtype).eps * len(images) * 1e4
        return torch.ones_like(images) * (1 + tiny)

    assert "differ by" in str(difference_of(torch.full((1, 2, 2), 1.0012), torch.full((1, 2, 2), 1.0024)))
    assert check_contract(unstable, "it", examples=25).verdict == "passed"


def test_the_message_says_how_large_the_difference_is() -> None:
    message = check_contract(only_the_first_image, "it").message
    assert re.search(r"they differ by [\d.e-]+, and the map's largest value is [\d.e-]+\.", message), message
    assert difference_of(torch.zeros(1, 2, 2), torch.zeros(1, 2, 3)) == (
        "they are (1, 2, 2) of torch.float32 and (1, 2, 3) of torch.float32"
    )


@pytest.mark.parametrize(
    "method",
    [switches_gradients_off, changes_the_default_type, only_deterministic_algorithms, more_threads, leaves_a_hook],
)
def test_what_a_wrong_method_does_to_torch_is_undone_for_the_next_one(method: Any) -> None:
    # Whoever runs several methods in one process judges each by itself.
    before = of_torch()
    with suppress(Exception):  # that it gives a verdict is asked above
        check_contract(method, "wrong", examples=10)
    assert of_torch() == before


@pytest.mark.parametrize("wrong_call", [1, 2, 50])
def test_a_method_that_is_wrong_now_and_then_is_a_failure_with_an_example_and_no_error(wrong_call: int) -> None:
    calls = count(1)

    def now_and_then(model: nn.Module, images: Maps, targets: Maps) -> Any:
        return None if next(calls) == wrong_call else gradient(model, images, targets)

    result = check_contract(now_and_then, "now and then")
    assert result.verdict == "failed"
    assert "it returned NoneType" in result.message
    assert isinstance(reported(result), Example)


def of_torch() -> list[object]:
    return [
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
    ]


def test_the_example_reported_can_be_built_as_the_message_says() -> None:
    result = check_contract(scaled_over_the_batch, "wrong")
    lines = [line.strip() for line in result.message.splitlines()]
    found: dict[str, Any] = {}
    exec("\n".join(lines[lines.index("To build them:") + 1 :]), found)
    assert found["images"].shape == (2, 1, 6, 6)
    assert found["model"](found["images"]).shape == (2, 2)


def test_what_is_wrong_in_the_backward_pass_only_is_found() -> None:
    result = check_contract(hook_lost_in_the_backward_pass, "wrong")
    assert result.verdict == "failed"


def test_noise_on_top_of_a_map_is_allowed_and_noise_of_a_stream_that_is_not_seeded_is_not() -> None:
    def noisy(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return gradient(model, images, targets) + torch.rand(len(images), 1, 1, 1)

    own = torch.Generator().manual_seed(0)

    def goes_on(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return gradient(model, images, targets) + torch.rand(len(images), 1, 1, 1, generator=own)

    assert check_contract(noisy, "noisy", examples=25).verdict == "passed"
    assert "the same call with the same seed" in check_contract(goes_on, "goes on").message


# The examples themselves.

NEIGHBOURS = [pair for pair in product(LAYERS, repeat=2) if can_be_trained(pair)]


def all_values(example: Example) -> list[torch.Tensor]:
    model, images, targets = example.build()
    return [*model.state_dict().values(), images, targets]


def test_an_example_is_the_same_at_every_call_and_leaves_the_global_stream() -> None:
    example = Example(layers=("batch norm", "residual sum"), images=3, channels=3, size=7, classes=4, seed=3)
    before = torch.get_rng_state()
    first = all_values(example)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        again = all_values(example)
    assert all(torch.equal(*both) for both in zip(first, again, strict=True))


def test_another_seed_is_another_example() -> None:
    assert not torch.equal(Example(seed=0).build()[1], Example(seed=1).build()[1])


def test_all_kinds_of_layers_may_follow_one_another_but_for_what_torch_forbids() -> None:
    forbidden = set(product(LAYERS, repeat=2)) - set(NEIGHBOURS)
    in_place_after_relu = {(first, "relu in place") for first in LAYERS if "relu" in first or first == "residual sum"}
    pooled_twice = set(product(["max pool", "average pool"], repeat=2))
    assert forbidden == in_place_after_relu | pooled_twice


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("training", [False, True])
def test_all_kinds_of_neighbours_can_be_built_and_differentiated(head: str, training: bool) -> None:
    for layers in NEIGHBOURS:
        example = Example(layers=layers, head=head, images=2, channels=3, size=7, classes=3, training=training)
        model, images, targets = example.build()
        assert model.training == training
        images.requires_grad_()
        model(images).gather(1, targets[:, None]).sum().backward()
        assert images.grad is not None
        assert images.grad.isfinite().all()
        # Dead networks are dead, and all others alive: so a zero map is no accident.
        assert bool(images.grad.any()) == ("dead relu" not in layers), layers


@pytest.mark.parametrize("kind", LAYERS)
def test_every_layer_is_built_as_it_is_called(kind: str) -> None:
    model, images, _ = Example(layers=(kind,), images=3).build()
    kinds = [type(module).__name__ for module in model.modules()]
    wanted = {"relu": "ReLU", "functional relu": "FunctionalReLU", "conv": "Conv2d", "dead relu": "DeadReLU"}
    wanted |= {"depthwise conv": "Conv2d", "max pool": "MaxPool2d", "average pool": "AvgPool2d"}
    wanted |= {"batch norm": "BatchNorm2d", "group norm": "GroupNorm", "residual sum": "ResidualSum"}
    assert wanted.get(kind, "ReLU") in kinds[2:]
    assert model(images).shape == (3, 2)


# The same for everyone, and nothing left behind.

RECORDED = """
import hashlib, json, sys
import torch
{modules}
from pytest_saliency_sanity.checks.contract.ask import check_contract
from pytest_saliency_sanity import gradient
seen = hashlib.sha256()
def recording(model, images, targets):
    for tensor in (*model.parameters(), images, targets):
        seen.update(tensor.detach().numpy().tobytes())
    return gradient(model, images, targets)
def wrong(model, images, targets):
    maps = gradient(model, images, targets)
    return maps / maps.abs().amax()
results = [check_contract(recording, "recording", examples=20), check_contract(wrong, "wrong", seed=3)]
print(json.dumps([seen.hexdigest(), *[result.as_record()['measured'] for result in results]]))
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what is found in a process where all is different that must not matter."""
    # hypothesis takes constants from a project's own modules, and another profile where CI is set.
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "constants.py").write_text("NUMBERS = [8, 3, 12345, 77, 6]\nNAMES = ['max pool', 'relu']\n")
    code = RECORDED.format(modules="import constants, xml.dom.minidom, sqlite3, scipy.stats")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"CI": "true", "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {path.name for path in folder.iterdir()} <= {"constants.py", "__pycache__"}
    return json.loads(done.stdout)


def test_the_same_call_gives_the_same_result() -> None:
    assert check_contract(scaled_to_one, "wrong").as_record() == check_contract(scaled_to_one, "wrong").as_record()


@pytest.mark.parametrize("method", [sobel, numpy_maps, scaled_over_the_batch], ids=lambda method: method.__name__)
def test_nothing_is_left_behind(method: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = everything_global()
    check_contract(method, "any", examples=20)
    assert everything_global() == before
    assert list(tmp_path.iterdir()) == []


def everything_global() -> list[object]:
    numpy: Any = np.random.get_state()
    return [
        torch.get_rng_state().tolist(),
        (numpy[1].tolist(), numpy[2:]),
        random.getstate(),
        repr(hypothesis.settings()),
        hypothesis.settings.get_current_profile_name(),
    ]


@pytest.fixture
def profile_of_the_user() -> Iterator[None]:
    before = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("of the user", max_examples=2, derandomize=True, deadline=1)
    hypothesis.settings.load_profile("of the user")
    yield
    hypothesis.settings.load_profile(before)


@pytest.mark.slow
@pytest.mark.usefixtures("profile_of_the_user")
def test_neither_loaded_modules_nor_hashes_nor_ci_nor_the_users_settings_of_hypothesis_decide_the_examples(
    elsewhere: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(RECORDED.format(modules=""), {"__name__": "here"})
    assert json.loads(capsys.readouterr().out) == elsewhere
    assert elsewhere[1]["figures"] == [["networks tried", 20]]
    assert hypothesis.settings.get_current_profile_name() == "of the user"


# No clock decides.


@pytest.fixture
def leaping_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute pass whenever anybody looks at a clock: a machine as slow as can be."""
    ticks = count(step=60)
    for name in ("monotonic", "perf_counter", "time"):
        monkeypatch.setattr(time, name, lambda: float(next(ticks)))


@pytest.mark.usefixtures("leaping_clock")
def test_however_slow_the_method_it_is_tried_on_as_many_networks() -> None:
    result = check_contract(sobel, "slow")
    assert (result.verdict, result.measured.figure("networks tried")) == ("passed", EXAMPLES)


def test_however_slow_the_method_the_same_promise_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    # It is found out late: by the last networks of all.
    fast = check_contract(runs_in_train_mode, "it")
    ticks = count(step=60)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(ticks)))
    slow = check_contract(runs_in_train_mode, "it")
    assert fast.verdict == slow.verdict == "failed"
    assert slow.measured.figure("networks tried") == fast.measured.figure("networks tried")


@pytest.mark.parametrize("most", [0, 3, trials.MOST_SHRINKS])
def test_the_search_for_a_smaller_example_ends(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Example] = []

    def with_layers_it_breaks(method: Any, example: Example) -> None:
        tried.append(example)
        if example.layers:
            raise BrokenPromiseError("it breaks")

    monkeypatch.setattr(trials, "try_promises", with_layers_it_breaks)
    monkeypatch.setattr(trials, "MOST_SHRINKS", most)
    result = check_contract(sobel, "it")
    assert result.verdict == "failed"
    first = next(index for index, example in enumerate(tried) if example.layers)
    assert len(tried) - first - 1 <= most
    assert trials.size(reported(result)) == min(trials.size(example) for example in tried if example.layers)


def test_what_ends_the_search_is_never_reached_by_a_method_that_is_wrong() -> None:
    shrinks = []
    for method, *_ in WRONG[::4]:
        trial = trials.Trial(method)
        search(trial, 0, EXAMPLES)
        shrinks.append(trial.shrinks)
    assert 0 < max(shrinks) < trials.MOST_SHRINKS / 2
