"""Grad-CAM: against a literal version of the paper's formulas, captum and pytorch-grad-cam; and its conventions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from captum.attr import LayerGradCam
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torch.nn import functional as F
from torchvision import models

from pytest_saliency_sanity import gradcam, load_batch, load_checkpoint

TARGETS = torch.tensor([0, 1, 2, 7])


@pytest.fixture(params=["alexnet", "vgg11"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def model(name: str) -> nn.Module:
    return load_checkpoint(name)


@pytest.fixture
def images() -> torch.Tensor:
    return load_batch("mnist", 4).images


LAST_CONVOLUTION = {"alexnet": "features.10", "vgg11": "features.18"}
ITS_RELU = {"alexnet": "features.11", "vgg11": "features.19"}


def literal_gradcam(
    lower: nn.Module, upper: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Section 3.1 in loops. ``lower`` gives the activations A^k, ``upper`` the logits from them."""
    maps = []
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


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert expected.abs().max() > 0, "nothing to compare"
    torch.testing.assert_close(actual, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


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

    def __init__(self, activate: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 5, stride=2), nn.Conv2d(8, 8, 3)
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8, 10)
        self.activate = activate
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.activate(self.conv1(images))
        second = self.activate(self.norm(self.conv2(first)))
        logits: torch.Tensor = self.head(second.mean((2, 3)))
        return logits


WAYS = {
    "module": nn.ReLU(),
    "in-place module": nn.ReLU(inplace=True),
    "function": F.relu,
    "in-place function": lambda values: F.relu(values, inplace=True),
    "method": torch.Tensor.relu,
    "in-place method": torch.Tensor.relu_,
    "in-place method, result ignored": lambda values: (values.relu_(), values)[1],
}


@pytest.mark.parametrize("way", WAYS)
def test_all_ways_to_write_a_network_have_one_map(way: str, images: torch.Tensor) -> None:
    model = Written(WAYS[way]).eval()
    plain = Written(F.relu).eval()
    expected = literal_gradcam(
        lambda image: F.relu(plain.norm(plain.conv2(F.relu(plain.conv1(image))))),  # type: ignore[arg-type]
        lambda values: plain.head(values.mean((2, 3))),
        images,
        TARGETS,
    )
    assert_same(gradcam(model, images, TARGETS), expected)


class Residual(nn.Module):
    """The output of the last convolution is changed in place by what comes later."""

    def __init__(self, in_place: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1, self.conv2, self.head = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 10)
        self.in_place = in_place

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.conv1(images)
        second = self.conv2(first)
        if self.in_place:
            second += first
        else:
            second = second + first
        logits: torch.Tensor = self.head(F.relu(second).mean((2, 3)))
        return logits


def test_a_sum_in_place_does_not_change_the_activations(images: torch.Tensor) -> None:
    with torch.random.fork_rng():
        in_place, apart = Residual(True).eval(), Residual(False).eval()
    assert_same(gradcam(in_place, images, TARGETS), gradcam(apart, images, TARGETS))
    expected = LayerGradCam(apart, apart.conv2).attribute(images, target=TARGETS, relu_attributions=True)
    assert_same(gradcam(in_place, images, TARGETS), expected[:, 0].detach())


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


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_mode_and_frozen_parameters_do_not_matter(
    mode: Callable[[], torch.no_grad], name: str, model: nn.Module, images: torch.Tensor
) -> None:
    expected = gradcam(model, images, TARGETS)
    other = load_checkpoint(name).requires_grad_(False).train()
    with mode():
        assert_same(gradcam(other, images.clone(), TARGETS), expected)
    assert all(module.training for module in other.modules())


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


def test_no_hook_and_no_gradient_is_left(model: nn.Module, images: torch.Tensor) -> None:
    gradcam(model, images, TARGETS)
    assert hooks(model) == 0
    with pytest.raises(ValueError, match="targets must be classes"):
        gradcam(model, images, TARGETS + 9)
    assert hooks(model) == 0
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("features.1O", "unknown layer 'features.1O' .did you mean 'features.1"),
        ("classifier.6", r"a layer for Grad-CAM has the output \(N, K, h, w\); Linear"),
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
