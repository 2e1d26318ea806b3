"""Work shared between the stages of a cascade: the same SRCs as without, for less, and nothing is left behind."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from support.images import digits, noise
from support.networks import HalfwayError, seeded
from support.shared_work import CLASSES, SIZE, WRITTEN, written
from support.weights import snapshot
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from pytest_saliency_sanity import Batch, CascadingRandomizer, gradcam, gradient, load_checkpoint, smoothgrad
from pytest_saliency_sanity.foundation.copying import copied
from pytest_saliency_sanity.measuring.original import explained
from pytest_saliency_sanity.measuring.profile import SrcProfile
from pytest_saliency_sanity.measuring.src import At, SrcMeasurement
from pytest_saliency_sanity.measuring.trunk import Recording, Trunk, sharing_weights
from pytest_saliency_sanity.methods.protocol import SaliencyMethod, plain_passes, shares_work

ORDERS = ("top_down", "bottom_up", "independent")
IMAGES, TORCHVISION = noise(4, *SIZE), noise(2, 3, 64, 64)
METHODS: dict[str, SaliencyMethod] = {
    "gradcam": gradcam,
    "gradcam without ReLU": partial(gradcam, relu=False),
    "gradient": gradient,
    "smoothgrad": partial(smoothgrad, n_samples=3),
}


def unmarked(method: SaliencyMethod) -> SaliencyMethod:
    """Return a method that is not marked as one whose work can be shared."""
    wrapped: SaliencyMethod = lambda model, images, targets: method(model, images, targets)  # noqa: E731
    assert shares_work(method)
    assert not shares_work(wrapped)
    return wrapped


def measured(
    method: SaliencyMethod, model: nn.Module, images: torch.Tensor = IMAGES, order: str = "top_down"
) -> SrcMeasurement:
    cascade = CascadingRandomizer(model, order=order, images=images)
    return SrcMeasurement(method, "it", "net", cascade, Batch(images), signs=("signed",), seeds=1, seed=0)


def assert_same(found: SrcProfile, expected: SrcProfile) -> None:
    assert np.isfinite(expected.src).any()
    np.testing.assert_allclose(found.src, expected.src, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.causes, expected.causes)


class Convolved(TorchDispatchMode):
    """Counts the images that go forward through convolutions in this context."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution.default:
            self.rows += len(args[0])
        return func(*args, **(kwargs or {}))


def compare(method: SaliencyMethod, model: nn.Module, images: torch.Tensor, order: str, at: At = "every") -> int:
    """Assert that a profile is the same without shared work; return how many passes through a convolution it saves."""
    with Convolved() as shared:
        found = measured(method, model, images, order).profile(at)
    with Convolved() as plain:
        expected = measured(unmarked(method), model, images, order).profile(at)
    assert_same(found, expected)
    saved: int = plain.rows - shared.rows
    return saved


def named(method: str) -> SaliencyMethod:
    """Return one of the methods, or Grad-CAM at a layer: ``gradcam:layer``."""
    name, _, layer = method.partition(":")
    return partial(gradcam, layer=layer) if layer else METHODS[name]


@pytest.mark.parametrize("order", ["top_down", "independent"])
@pytest.mark.parametrize("method", ["gradcam", "gradcam:conv1", "gradient"])
@pytest.mark.parametrize("way", WRITTEN)
def test_srcs_are_those_without_shared_work_however_a_network_is_written(way: str, method: str, order: str) -> None:
    compare(named(method), written(way), IMAGES, order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("method", [*METHODS, "gradcam:conv2"])
@pytest.mark.parametrize("way", ["residual sums in place", "functions in place"])
def test_srcs_are_those_without_shared_work_in_every_order(way: str, method: str, order: str) -> None:
    assert compare(named(method), written(way), IMAGES, order) > 0 or order == "bottom_up"


@pytest.mark.parametrize(
    ("network", "method", "order", "saves"),
    [
        *(("alexnet", method, "top_down", True) for method in [*METHODS, "gradcam:features.6"]),
        *(
            ("alexnet", method, order, order == "independent")
            for method in ("gradcam", "gradient")
            for order in ORDERS[1:]
        ),
        *(("vgg11", method, "top_down", True) for method in ("gradcam", "gradient")),
    ],
)
def test_srcs_of_the_shipped_networks_are_those_without_shared_work(
    network: str, method: str, order: str, *, saves: bool
) -> None:
    saved = compare(named(method), load_checkpoint(network), digits(3), order)
    assert saved > 0 or not saves


@pytest.mark.parametrize("method", ["gradcam", "gradient"])
@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_srcs_of_torchvisions_networks_are_those_without_shared_work(name: str, method: str) -> None:
    models = pytest.importorskip("torchvision").models
    model = seeded(lambda: getattr(models, name)(num_classes=CLASSES))
    names = CascadingRandomizer(model, images=TORCHVISION).names()
    assert compare(named(method), model, TORCHVISION, "top_down", [names[0], names[len(names) // 2]]) > 0


def test_frozen_weights_and_a_model_in_training_mode_make_no_difference_and_are_left_so() -> None:
    model = written("residual sums in place").requires_grad_(False).train()
    before = snapshot(model)
    for method in (gradcam, gradient):
        assert compare(method, model, IMAGES, "top_down") > 0
    assert snapshot(model) == before


def test_a_gradcam_profile_of_the_shipped_alexnet_takes_little_more_than_a_pass_per_stage() -> None:
    model, images = load_checkpoint("alexnet"), digits(4)
    convolutions = sum(isinstance(each, nn.Conv2d) for each in model.modules())
    made, plain = (measured(method, model, images) for method in (gradcam, unmarked(gradcam)))
    for each in (made, plain):
        each.targets  # noqa: B018  (predicted, and the order of execution observed, before anything is counted)
        each._bound.names()
    stages = len(made._bound.names())
    units = [0.0, 0.0]
    for place, each in enumerate((made, plain)):
        with Convolved() as counted:
            each.profile("every")
        units[place] = counted.rows / convolutions / len(images)
    assert units[1] >= stages + 1
    assert units[0] <= 0.6 * (stages + 2)


def test_of_a_stage_only_what_comes_after_the_first_randomised_layer_is_computed() -> None:
    model = written("plain")
    original = measured(gradient, model).original
    original.view(0, len(IMAGES))
    explain = partial(explained, original, start=0, stop=len(IMAGES), targets=original.targets(4), name="", noise=0)
    for first, convolutions in (("fc", 0), ("conv3", 1), ("conv2", 2), ("conv1", 3), ("nowhere", 3)):
        with Convolved() as counted:
            original.trunk.shared_with(copied(model), first, (0, len(IMAGES)), explain)
        assert counted.rows == convolutions * len(IMAGES), first


def maps_with(trunk: Trunk, method: SaliencyMethod, first: str | None, images: torch.Tensor = IMAGES) -> torch.Tensor:
    """Return the maps of a copy of the trunk's model."""
    targets = torch.arange(len(images)) % CLASSES
    return trunk.shared_with(
        copied(trunk.model), first, (0, len(images)), lambda model: method(model, images, targets).detach()
    )


@pytest.mark.parametrize("method", [gradcam, gradient])
def test_without_room_nothing_is_kept_and_the_maps_are_the_same(method: SaliencyMethod) -> None:
    model = written("plain")
    expected = method(model, IMAGES, torch.arange(4))
    for room in (0, 1):
        trunk = Trunk(model, room)
        with Convolved() as counted:
            assert torch.equal(maps_with(trunk, method, "fc"), expected)
        # Without any, nothing is recorded; else one image is tried, and the others are not recorded in vain.
        assert counted.rows == 3 * (len(IMAGES) + room)
        assert recordings(trunk) == [None]


def recordings(trunk: Trunk) -> list[Recording | None]:
    return [each for passes in trunk._passes.values() for each in passes]


def test_what_is_recorded_is_counted_and_never_more_than_there_is_room_for() -> None:
    model = written("plain")
    (first,) = recordings_of(Trunk(model, 10**9), 1)
    assert first is not None
    of_a_pass = first.size
    least = 4 * len(IMAGES) * (3 * 144 + 3 * 4 * 144 + 4 * 9 + 8 + CLASSES)
    assert of_a_pass == least  # images, convolutions, the pooling, and the linear layers, of four bytes a number
    for passes in range(4):
        trunk = Trunk(model, passes * of_a_pass)
        kept = recordings_of(trunk, 3)
        assert [each is not None for each in kept] == [number < passes for number in range(3)]
        assert trunk.room >= 0 or passes < 3


def test_what_is_differentiated_counts_twice_for_its_graph() -> None:
    recorded = {}
    for method in (gradcam, gradient):
        trunk = Trunk(written("plain"), 10**9)
        maps_with(trunk, method, None)
        (recorded[method],) = recordings(trunk)
    plain, graph = (each.size - each.given.nbytes for each in recorded.values() if each)
    assert graph == 2 * plain


@pytest.mark.parametrize(("room", "kept"), [(1, 0), (2, 2), (3, 3)])
def test_recordings_of_less_than_half_of_the_passes_are_let_go(room: int, kept: int) -> None:
    model = written("plain")
    (first,) = recordings_of(Trunk(model, 10**9), 1)
    assert first is not None

    def thrice(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return sum((gradcam(model, images + shift, targets) for shift in range(3)), torch.zeros(()))

    trunk = Trunk(model, room * first.size)
    expected = maps_with(trunk, thrice, None)
    assert [each is not None for each in recordings(trunk)] == [number < kept for number in range(3)]
    assert torch.equal(maps_with(trunk, thrice, "fc"), expected)
    assert kept or not trunk.room


def recordings_of(trunk: Trunk, parts: int) -> list[Recording | None]:
    """Return what is recorded when so many parts of the images are explained."""
    targets = torch.zeros(len(IMAGES), dtype=torch.long)
    for part in range(parts):
        images = IMAGES + part
        trunk.shared_with(copied(trunk.model), None, (part, part), lambda model: gradcam(model, images, targets))  # noqa: B023
    return recordings(trunk)


@pytest.mark.parametrize("method", [gradcam, gradient])
def test_a_pass_that_is_given_another_input_is_not_shared(method: SaliencyMethod) -> None:
    trunk = Trunk(written("plain"), 10**9)
    maps_with(trunk, method, None)
    other = IMAGES + 0.1
    with Convolved() as counted:
        found = maps_with(trunk, method, "fc", other)
    assert counted.rows == 3 * len(IMAGES)
    assert torch.equal(found, method(trunk.model, other, torch.arange(4)))
    with Convolved() as counted:
        maps_with(trunk, method, "fc")
    assert counted.rows == 0 if method is gradient else counted.rows < 3 * len(IMAGES)


def test_a_pass_with_gradients_is_not_shared_with_one_without() -> None:
    trunk = Trunk(written("plain"), 10**9)
    maps_with(trunk, gradcam, None)
    assert torch.equal(maps_with(trunk, gradient, "fc"), gradient(trunk.model, IMAGES, torch.arange(4)))


def test_a_model_called_with_keywords_is_not_shared() -> None:
    @plain_passes
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        given = images.clone().requires_grad_()
        scores = model(images=given.clone()).gather(1, targets[:, None]).sum()
        return torch.autograd.grad(scores, given)[0]

    assert compare(method, written("plain"), IMAGES, "top_down") == 0


@plain_passes
def changing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Explain by Grad-CAM, and change in place what one of the layers returned."""

    def change(_: nn.Module, __: object, output: torch.Tensor) -> None:
        with torch.no_grad():
            output.mul_(0.5)

    handle = model.get_submodule("conv1").register_forward_hook(change)
    try:
        return gradcam(model, images, targets)
    finally:
        handle.remove()


def test_what_was_recorded_is_not_used_if_a_method_changed_it_in_place() -> None:
    model = written("plain")
    trunk = Trunk(model, 10**9)
    expected = changing(copied(model), IMAGES, torch.arange(4))
    assert not torch.allclose(expected, gradcam(model, IMAGES, torch.arange(4)))
    for _ in range(3):
        assert torch.equal(maps_with(trunk, changing, "fc"), expected)
        assert trunk.spoiled
    made, plain = (measured(method, model) for method in (changing, unmarked(changing)))
    assert_same(made.profile("every"), plain.profile("every"))
    assert made.original.trunk.spoiled


def test_nothing_is_left_behind_on_the_model_also_if_the_method_raises() -> None:
    model = written("residual sums in place")
    own = {name: vars(each).get("forward") for name, each in model.named_modules()}
    trunk = Trunk(model, 10**9)
    stage = copied(model)
    convolution = stage.get_submodule("conv1")
    convolution.forward = convolution.forward  # one of its own stays
    before = [snapshot(each) for each in (model, stage, trunk.model)]
    mine = vars(convolution)["forward"]

    def raising(given: nn.Module) -> torch.Tensor:
        given(IMAGES.clone())
        raise HalfwayError

    for explain in (lambda given: gradcam(given, IMAGES, torch.arange(4)), raising):
        with suppress(HalfwayError):
            trunk.shared_with(stage, "fc", (0, 4), explain)
        assert [snapshot(each) for each in (model, stage, trunk.model)] == before
        assert vars(convolution)["forward"] is mine
        for each in (model, trunk.model):
            assert {name: vars(module).get("forward") for name, module in each.named_modules()} == own
        assert not [name for name, module in stage.named_modules() if "forward" in vars(module) and name != "conv1"]


def test_the_trunk_has_the_weights_themselves_but_asks_for_no_gradients() -> None:
    model = written("residual sums in place")
    shared = sharing_weights(model)
    for (name, own), (_, other) in zip(model.named_parameters(), shared.named_parameters(), strict=True):
        assert own.data_ptr() == other.data_ptr(), name
        assert own.requires_grad
        assert not other.requires_grad
    assert all(own is other for own, other in zip(model.buffers(), shared.buffers(), strict=True))
    assert not {id(each) for each in model.modules()} & {id(each) for each in shared.modules()}
