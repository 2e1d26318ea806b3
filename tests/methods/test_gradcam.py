"""Grad-CAM: against a literal version of the paper's formulas, captum and pytorch-grad-cam; and its conventions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from support.maps import assert_same
from support.networks import HalfwayError, fill, lived_in_model
from support.traces import left_as_found
from torch import nn
from torch.nn import functional as F
from torchvision import models

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradcam, load_checkpoint

TARGETS = torch.tensor([0, 1, 2, 7])


@pytest.fixture(params=["alexnet", "vgg11"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(name: str) -> nn.Module:
    return load_checkpoint(name)


LAST_CONVOLUTION = {"alexnet": "features.10", "vgg11": "features.18"}
ITS_RELU = {"alexnet": "features.11", "vgg11": "features.19"}


def literal_gradcam(
    lower: nn.Module, upper: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Section 3.1 in loops. ``lower`` gives the activations A^k, ``upper`` the logits from them."""
    maps: list[torch.Tensor] = []
    for image, target in zip(images, targets, strict=True):
        activations = lower(image[None]).detach().clone().requires_grad_()
        score = upper(activations.clone())[0, target]
        (gradients,) = torch.autograd.grad(score, activations)
        weighted = torch.zeros_like(activations[0, 0])
        for a_k, gradient_k in zip(activations[0].detach(), gradients[0], strict=True):
            alpha_k = sum(float(value) for value in gradient_k.flatten()) / gradient_k.numel()
            weighted += alpha_k * a_k
        maps.append(weighted.clamp(min=0))
    return torch.stack(maps)


def halves(model: nn.Module, last: int) -> tuple[nn.Module, Callable[[torch.Tensor], torch.Tensor]]:
    """Split one of the paper's networks after ``features[last]``."""
    features = model.get_submodule("features")
    assert isinstance(features, nn.Sequential)
    above = nn.Sequential(features[last + 1 :], model.get_submodule("avgpool"), nn.Flatten(1))
    return features[: last + 1], lambda values: model.get_submodule("classifier")(above(values))


def test_it_is_the_papers_formula_on_the_activations(name: str, model: nn.Module, images: torch.Tensor) -> None:
    lower, upper = halves(model, int(ITS_RELU[name].rpartition(".")[2]))
    assert_same(gradcam(model, images, TARGETS), literal_gradcam(lower, upper, images, TARGETS))


def test_a_layer_by_name_is_taken_as_it_comes_out(name: str, model: nn.Module, images: torch.Tensor) -> None:
    lower, upper = halves(model, int(LAST_CONVOLUTION[name].rpartition(".")[2]))
    expected = literal_gradcam(lower, upper, images, TARGETS)
    assert_same(gradcam(model, images, TARGETS, layer=LAST_CONVOLUTION[name]), expected)


def test_a_layer_by_name_is_captums(name: str, model: nn.Module, images: torch.Tensor) -> None:
    for layer in (LAST_CONVOLUTION[name], ITS_RELU[name], "features.0"):
        expected = LayerGradCam(model, model.get_submodule(layer)).attribute(images, target=TARGETS)
        assert_same(gradcam(model, images, TARGETS, layer=layer, relu=False), expected[:, 0].detach())


def test_by_default_it_is_captums_after_the_relu(name: str, model: nn.Module, images: torch.Tensor) -> None:
    relu = model.get_submodule(ITS_RELU[name])
    expected = LayerGradCam(model, relu).attribute(images, target=TARGETS, relu_attributions=True)
    assert_same(gradcam(model, images, TARGETS), expected[:, 0].detach())
    before = LayerGradCam(model, model.get_submodule(LAST_CONVOLUTION[name])).attribute(images, target=TARGETS)
    assert not torch.allclose(before.relu(), expected), "the convention makes no difference here"


def test_scaled_and_upsampled_it_is_pytorch_grad_cams(name: str, model: nn.Module, images: torch.Tensor) -> None:
    # Its hook on a convolution with an in-place ReLU would mix the values after it with the gradient before it.
    with GradCAM(model, [model.get_submodule(ITS_RELU[name])]) as peer:
        expected = peer(images.clone(), [ClassifierOutputTarget(int(target)) for target in TARGETS])
    ours = gradcam(model, images, TARGETS)
    resized = F.interpolate(min_max(ours)[:, None], size=(64, 64), mode="bilinear", align_corners=False)[:, 0]
    alive = ours.amax((1, 2)) > 0
    assert alive.sum() >= 2
    torch.testing.assert_close(min_max(resized)[alive], torch.from_numpy(expected)[alive], atol=1e-4, rtol=0)


def min_max(maps: torch.Tensor) -> torch.Tensor:
    """Scale each map to [0, 1] as pytorch-grad-cam does, before it resizes and again after."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    return (maps - low) / (1e-7 + high - low)


def test_without_relu_it_is_signed(model: nn.Module, images: torch.Tensor) -> None:
    signed = gradcam(model, images, TARGETS, relu=False)
    assert signed.min() < 0
    assert_same(gradcam(model, images, TARGETS), signed.relu())


class Written(nn.Module):
    """One network, written in different ways: ``activate`` is how its ReLUs are."""

    def __init__(
        self, activate: Callable[[torch.Tensor], torch.Tensor], norm: type[nn.Module] = nn.BatchNorm2d
    ) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 5, stride=2), nn.Conv2d(8, 8, 3)
        self.norm, self.head = norm(8), nn.Linear(8, 10)
        self.activate = activate
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.activate(self.conv1(images))
        second = self.activate(self.norm(self.conv2(first)))
        logits: torch.Tensor = self.head(second.mean((2, 3)))
        return logits


WAYS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "module": nn.ReLU(),
    "in-place module": nn.ReLU(inplace=True),
    "function": F.relu,
    "in-place function": lambda values: F.relu(values, inplace=True),
    "method": torch.Tensor.relu,
    "in-place method": torch.Tensor.relu_,
    "in-place method, result ignored": lambda values: (values.relu_(), values)[1],
}


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.Identity])
@pytest.mark.parametrize("way", WAYS)
def test_all_ways_to_write_a_network_have_one_map(way: str, norm: type[nn.Module], images: torch.Tensor) -> None:
    model = Written(WAYS[way], norm).eval()
    plain = Written(F.relu, norm).eval()
    expected = literal_gradcam(
        lambda image: F.relu(plain.norm(plain.conv2(F.relu(plain.conv1(image))))),  # type: ignore[arg-type]
        lambda values: plain.head(values.mean((2, 3))),
        images,
        TARGETS,
    )
    assert_same(gradcam(model, images, TARGETS), expected)


@pytest.mark.parametrize("gate", [torch.sigmoid, lambda values: torch.tanh(F.softplus(values))], ids=["swish", "mish"])
def test_a_gate_is_not_taken_for_the_activations(
    gate: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor
) -> None:
    # x * sigmoid(x), written out: the score depends on x in two ways, and the gate alone is only one of them.
    model = Written(lambda values: values * gate(values), nn.Identity).eval()
    expected = LayerGradCam(model, model.conv2).attribute(images, target=TARGETS)
    assert_same(gradcam(model, images, TARGETS, relu=False), expected[:, 0].detach())


class Residual(nn.Module):
    """The output of the last convolution is changed in place by what comes later, as in torchvision's residual blocks.

    With BatchNorm, its output is: the activations then.
    """

    def __init__(self, in_place: bool, norm: type[nn.Module]) -> None:
        super().__init__()
        self.conv1, self.conv2, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 10)
        self.norm = norm(8)
        self.in_place = in_place
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        identity = self.conv1(images)
        out = self.norm(self.conv2(identity))
        if self.in_place:
            out += identity
        else:
            out = out + identity
        logits: torch.Tensor = self.head(F.relu(out, inplace=self.in_place).mean((2, 3)))
        return logits


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.Identity])
def test_a_sum_in_place_does_not_change_the_activations(norm: type[nn.Module], images: torch.Tensor) -> None:
    apart = Residual(False, norm).eval()
    activations = apart.norm if norm is nn.BatchNorm2d else apart.conv2
    expected = LayerGradCam(apart, activations).attribute(images, target=TARGETS, relu_attributions=True)
    assert_same(gradcam(apart, images, TARGETS), expected[:, 0].detach())
    assert_same(gradcam(Residual(True, norm).eval(), images, TARGETS), expected[:, 0].detach())


class Squeezed(nn.Module):
    """Its last convolution has one position only, as in a squeeze-and-excitation block."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.squeezed, self.head = nn.Conv2d(3, 8, 5, stride=4), nn.Conv2d(8, 8, 1), nn.Linear(8, 10)
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pooled = F.relu(self.conv(images)).mean((2, 3), keepdim=True)
        logits: torch.Tensor = self.head(self.squeezed(pooled).flatten(1))
        return logits


def test_a_convolution_with_one_position_is_passed_over(images: torch.Tensor) -> None:
    model = Squeezed()
    expected = literal_gradcam(
        lambda image: F.relu(model.conv(image)),  # type: ignore[arg-type]
        lambda values: model.head(model.squeezed(values.mean((2, 3), keepdim=True)).flatten(1)),
        images,
        TARGETS,
    )
    assert_same(gradcam(model, images, TARGETS), expected)


class Repeated(nn.Module):
    """Its last convolution in order of execution is its first in order of registration, and runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.first, self.head = nn.Conv2d(8, 8, 3), nn.Conv2d(3, 8, 5, stride=4), nn.Linear(8, 10)
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.lower(images).mean((2, 3)))
        return logits

    def lower(self, images: torch.Tensor) -> torch.Tensor:
        return F.relu(self.twice(F.relu(self.twice(self.first(images)))))


def test_the_last_convolution_is_the_last_to_run_and_its_last_use_counts(images: torch.Tensor) -> None:
    model = Repeated()
    expected = literal_gradcam(
        model.lower,  # type: ignore[arg-type]
        lambda values: model.head(values.mean((2, 3))),
        images,
        TARGETS,
    )
    assert_same(gradcam(model, images, TARGETS), expected)


def test_a_layer_that_does_nothing_is_a_layer(images: torch.Tensor) -> None:
    # The shortcuts of many residual networks are empty; an empty Sequential is false.
    model = nn.Sequential(nn.Conv2d(3, 8, 5, stride=4), nn.Sequential(), nn.Conv2d(8, 10, 3), nn.Flatten(2))
    summed = nn.Sequential(model, nn.AdaptiveAvgPool1d(1), nn.Flatten())
    fill(summed)
    expected = gradcam(summed, images, TARGETS, layer="0.0")
    assert_same(gradcam(summed, images, TARGETS, layer="0.1"), expected)


@pytest.mark.parametrize(
    ("network", "size"), [("resnet18", (2, 2)), ("mobilenet_v3_small", (2, 2)), ("densenet121", (2, 2))]
)
def test_common_networks_have_finite_maps_of_the_layers_size(
    network: str, size: tuple[int, int], images: torch.Tensor
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = getattr(models, network)(weights=None)
    maps = gradcam(model, images, TARGETS, relu=False)
    assert maps.shape == (4, *size)
    assert maps.isfinite().all()
    assert (maps.flatten(1).std(1) > 0).all()


def test_an_image_has_the_same_map_alone_as_in_a_batch(model: nn.Module, images: torch.Tensor) -> None:
    alone = torch.cat([gradcam(model, images[i : i + 1], TARGETS[i : i + 1]) for i in range(len(images))])
    assert_same(alone, gradcam(model, images, TARGETS))


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_size_of_the_batches_does_not_matter(
    limit: int, model: nn.Module, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = gradcam(model, images, TARGETS)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", limit * images[0].numel())
    rows: list[int] = []
    handle = model.register_forward_hook(lambda module, args, output: rows.append(len(output)))
    in_small_batches = gradcam(model, images, TARGETS)
    handle.remove()
    assert max(rows) == max(1, limit)
    assert_same(in_small_batches, at_once)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_mode_and_frozen_parameters_do_not_matter(
    mode: Callable[[], torch.no_grad], name: str, model: nn.Module, images: torch.Tensor
) -> None:
    expected = gradcam(model, images, TARGETS)
    other = load_checkpoint(name).requires_grad_(False).train()
    other.get_submodule("classifier").eval()
    with mode():
        of_this_mode = images.clone()
        with left_as_found(other, of_this_mode, TARGETS):
            maps = gradcam(other, of_this_mode, TARGETS)
    assert not maps.requires_grad
    assert_same(maps, expected)


@pytest.mark.parametrize("layer", [None, "1"])
@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_everything_is_left_as_found(breaks: str, layer: str | None, images: torch.Tensor) -> None:
    model = lived_in_model(breaks)
    with left_as_found(model, images, TARGETS), suppress(HalfwayError):
        gradcam(model, images, TARGETS, layer=layer)
        assert breaks == "never"


@pytest.mark.parametrize(
    ("layer", "targets", "message"),
    [
        (None, TARGETS + 9, "targets must be classes 0 to 9 of the model; got"),
        ("nothing", TARGETS, "unknown layer 'nothing'"),
        ("5", TARGETS, "a layer for Grad-CAM must have the output"),
    ],
)
def test_everything_is_left_as_found_after_a_wrong_argument(
    layer: str | None, targets: torch.Tensor, message: str, images: torch.Tensor
) -> None:
    model = lived_in_model()
    with left_as_found(model, images, targets), pytest.raises(ValueError, match=message):
        gradcam(model, images, targets, layer=layer)


def test_images_with_a_gradient_keep_it(model: nn.Module, images: torch.Tensor) -> None:
    expected = gradcam(model, images, TARGETS)
    images.requires_grad_().grad = torch.ones_like(images)
    with left_as_found(model, images, TARGETS):
        assert_same(gradcam(model, images, TARGETS), expected)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((4, 3, 64, 64), np.float32), TypeError, r"images must be a torch.Tensor \(N, C, H, W\), not ndarray"),
        (torch.zeros(3, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(3, 64, 64\)"),
        (torch.zeros(0, 3, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(0, 3, 64, 64\)"),
        (torch.zeros(4, 3, 64, 64, dtype=torch.uint8), TypeError, "images must be floating point"),
    ],
    ids=["numpy", "one image", "no image", "bytes"],
)
def test_images_of_another_kind_are_an_error(images: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gradcam(Squeezed(), images, TARGETS)


def test_targets_of_another_kind_are_an_error(images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match="integer class indices"):
        gradcam(Squeezed(), images, TARGETS.float())


class Pair(nn.Module):
    """Its layer, and the whole, give two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 10, 5)
        self.both = Doubling()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(each.mean((2, 3)) for each in self.both(self.conv(images)))


class Doubling(nn.Module):
    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return values, values


def test_a_model_or_layer_that_gives_several_tensors_is_an_error(images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match=r"the model must return logits \(N, classes\), not a tuple of"):
        gradcam(Pair(), images, TARGETS)
    with pytest.raises(
        ValueError, match=r"a layer for Grad-CAM must have the output \(N, K, h, w\); Doubling\(\) returns tuple"
    ):
        gradcam(Pair(), images, TARGETS, layer="both")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("features.1O", "unknown layer 'features.1O' .did you mean 'features.1"),
        ("", "unknown layer ''"),
        ("classifier.6", r"a layer for Grad-CAM must have the output \(N, K, h, w\); Linear"),
    ],
)
def test_a_layer_that_will_not_do_is_an_error(layer: str, message: str, model: nn.Module, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=message):
        gradcam(model, images, TARGETS, layer=layer)


def test_a_layer_that_is_never_executed_is_an_error(images: torch.Tensor) -> None:
    model = Written(F.relu)
    model.add_module("unused", nn.Conv2d(3, 3, 1))
    with pytest.raises(ValueError, match="is never executed: name another"):
        gradcam(model, images, TARGETS, layer="unused")


def test_a_model_without_convolutions_is_an_error(images: torch.Tensor) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 10))
    with pytest.raises(ValueError, match="Sequential has no convolution with more than one position: name a layer"):
        gradcam(model, images, TARGETS)
