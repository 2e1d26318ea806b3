"""The methods of other libraries: the libraries' own maps, on any style of network, and nothing left behind."""

from __future__ import annotations

import copy
import logging
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress

import captum.attr
import numpy as np
import pytest
import pytorch_grad_cam
import torch
import torchcam.methods
import torchvision
import zennit.attribution
import zennit.composites
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn
from torch.nn import functional as F
from traces import left_as_found, lived_in_model

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradcam
from pytest_saliency_sanity.methods.adapters.canonical import canonical_copy
from pytest_saliency_sanity.methods.adapters.library import LibraryMethod
from pytest_saliency_sanity.methods.resolve import resolve_method

CLASSES = 5
TARGETS = torch.tensor([0, 3, 1, 4])
ByHand = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]


class Net(nn.Module):
    """One network, written in different ways: ``style`` is how its activation functions are."""

    def __init__(self, style: str = "plain") -> None:
        super().__init__()
        self.style = style
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6)
        self.conv2, self.bn2 = nn.Conv2d(6, 8, 3), nn.BatchNorm2d(8)
        self.pool, self.flat, self.fc = nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(72, CLASSES)
        fill(self)
        if style in ("plain", "inplace"):
            self.relu1, self.relu2 = (nn.ReLU(inplace=style == "inplace") for _ in range(2))
        elif style.startswith("shared"):
            self.relu1 = self.relu2 = nn.ReLU(inplace=style.endswith("inplace"))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        activate = {
            "functional": F.relu,
            "functional inplace": lambda values: F.relu(values, inplace=True),
            "method inplace": torch.Tensor.relu_,
        }.get(self.style)
        first = self.bn1(self.conv1(images))
        first = activate(first) if activate else self.relu1(first)
        second = self.bn2(self.conv2(first))
        second = activate(second) if activate else self.relu2(second)
        logits: torch.Tensor = self.fc(self.flat(self.pool(second)))
        return logits


STYLES = ["inplace", "shared", "shared inplace", "functional", "functional inplace", "method inplace"]
MODULES = STYLES[:3]  # where libraries that replace the rule of a module find one


def fill(model: nn.Module) -> None:
    """Draw all values, those of the normalisation too, so that every class and image has a map of its own."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        for name, values in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
            if values.is_floating_point():
                drawn = torch.randn(values.shape, generator=generator) * 0.4
                values.data.copy_(drawn.abs() + 0.5 if "running_var" in name else drawn)
    model.eval()


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 3, 20, 20, generator=torch.Generator().manual_seed(1))


def maps_of(spec: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor = TARGETS) -> torch.Tensor:
    method = resolve_method(spec)
    seed()
    return method(model, images, targets)


def seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    assert expected.abs().max() > 0, "nothing to compare"
    torch.testing.assert_close(actual, expected.detach(), atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


# Each library by hand, as its documentation shows it.


def by_captum(name: str, *, layer: str = "", **keywords: object) -> ByHand:
    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        layers = [model.get_submodule(layer)] if layer else []
        maps: torch.Tensor = getattr(captum.attr, name)(model, *layers).attribute(images, target=targets, **keywords)
        return maps

    return explain


def by_grad_cam(name: str, layer: str) -> ByHand:
    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with getattr(pytorch_grad_cam, name)(model, [model.get_submodule(layer)] if layer else []) as explainer:
            return torch.from_numpy(explainer(images, [ClassifierOutputTarget(int(target)) for target in targets]))

    return explain


def by_torchcam(name: str, layer: str) -> ByHand:
    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        with getattr(torchcam.methods, name)(model, layer, input_shape=tuple(images.shape[1:])) as explainer:
            (maps,) = explainer(targets.tolist(), model(images), normalized=False)
        return torch.as_tensor(maps)

    return explain


def by_zennit(name: str, **keywords: object) -> ByHand:
    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if hasattr(zennit.composites, name):
            explainer = zennit.attribution.Gradient(model, getattr(zennit.composites, name)(**keywords))
        else:
            explainer = getattr(zennit.attribution, name)(model, **keywords)
        with explainer:
            maps: torch.Tensor = explainer(images, torch.eye(CLASSES)[targets])[1]
        return maps

    return explain


ZERO = torch.zeros(1, 3, 20, 20)
NATIVE: dict[str, ByHand] = {
    "captum:Saliency": by_captum("Saliency", abs=False),
    "captum:Saliency?abs=True": by_captum("Saliency"),
    "captum:IntegratedGradients": by_captum("IntegratedGradients"),
    "captum:IntegratedGradients?n_steps=7&baselines=-0.4": by_captum(
        "IntegratedGradients", n_steps=7, baselines=ZERO - 0.4
    ),
    "captum:IntegratedGradients?n_steps=6&method=riemann_trapezoid": by_captum(
        "IntegratedGradients", n_steps=6, method="riemann_trapezoid"
    ),
    "captum:LayerGradCam:conv2": by_captum("LayerGradCam", layer="conv2"),
    "captum:LayerGradCam:conv1?relu_attributions=True": by_captum(
        "LayerGradCam", layer="conv1", relu_attributions=True
    ),
    "captum:LayerIntegratedGradients:bn1?n_steps=5": by_captum("LayerIntegratedGradients", layer="bn1", n_steps=5),
    "captum:GuidedBackprop": by_captum("GuidedBackprop"),
    "captum:GuidedGradCam:conv2": by_captum("GuidedGradCam", layer="conv2"),
    "captum:Deconvolution": by_captum("Deconvolution"),
    "captum:DeepLift": by_captum("DeepLift", baselines=ZERO),
    "captum:DeepLift?baselines=1": by_captum("DeepLift", baselines=ZERO + 1),
    "captum:InputXGradient": by_captum("InputXGradient"),
    "captum:GradientShap?n_samples=3": by_captum("GradientShap", baselines=ZERO, n_samples=3),
    "captum:Occlusion?sliding_window_shapes=(3,8,8)&strides=(3,6,6)": by_captum(
        "Occlusion", sliding_window_shapes=(3, 8, 8), strides=(3, 6, 6), baselines=0
    ),
    "torchcam:GradCAM:conv2": by_torchcam("GradCAM", "conv2"),
    "torchcam:GradCAMpp:relu2": by_torchcam("GradCAMpp", "relu2"),
    "torchcam:LayerCAM:conv2": by_torchcam("LayerCAM", "conv2"),
    "torchcam:XGradCAM:relu2": by_torchcam("XGradCAM", "relu2"),
    "torchcam:ScoreCAM:relu2": by_torchcam("ScoreCAM", "relu2"),
    "zennit:Gradient": by_zennit("Gradient"),
    "zennit:EpsilonPlusFlat": by_zennit("EpsilonPlusFlat"),
    "zennit:EpsilonPlus?epsilon=0.1": by_zennit("EpsilonPlus", epsilon=0.1),
    "zennit:EpsilonGammaBox?low=-3&high=3": by_zennit("EpsilonGammaBox", low=ZERO - 3, high=ZERO + 3),
    "zennit:GuidedBackprop": by_zennit("GuidedBackprop"),
    "zennit:SmoothGrad?noise_level=0.2&n_iter=4": by_zennit("SmoothGrad", noise_level=0.2, n_iter=4),
    "zennit:IntegratedGradients?n_iter=5": by_zennit("IntegratedGradients", n_iter=5),
}
GRAD_CAM = ["GradCAM", "GradCAMPlusPlus", "HiResCAM", "LayerCAM", "XGradCAM", "EigenCAM", "EigenGradCAM", "ScoreCAM"]
SPECS = [
    *NATIVE,
    *(f"grad_cam:{name}:relu2" for name in (*GRAD_CAM, "AblationCAM")),
    *("grad_cam:FullGrad", "captum:LayerGradCam", "grad_cam:GradCAM", "torchcam:GradCAM"),
]
RANDOM = ("GradientShap", "SmoothGrad")
SURE = [spec for spec in SPECS if not any(name in spec for name in RANDOM)]
NO_CLASS = ("EigenCAM",)
ONE_EACH = ["captum:IntegratedGradients", "grad_cam:GradCAM", "torchcam:GradCAM", "zennit:EpsilonPlusFlat"]


@pytest.mark.parametrize("spec", NATIVE)
def test_the_maps_are_the_librarys_own(spec: str, images: torch.Tensor) -> None:
    model = Net()
    torch.manual_seed(0)
    np.random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library says of itself
        expected = NATIVE[spec](model, images.clone().requires_grad_(), TARGETS).detach()
    assert_same(maps_of(spec, Net(), images), expected)


@pytest.mark.parametrize("name", GRAD_CAM)
def test_scaled_and_enlarged_it_is_pytorch_grad_cams(name: str, images: torch.Tensor) -> None:
    expected = by_grad_cam(name, "relu2")(Net(), images.clone(), TARGETS).numpy()
    native = maps_of(f"grad_cam:{name}:relu2", Net(), images)
    assert native.shape == (4, 7, 7), "the resolution of the layer"
    assert native.min() >= 0
    # As the library goes on: scaled one by one, enlarged, and scaled again.
    ours = scale_cam_image(scale_cam_image(native.numpy(), (20, 20)))
    assert expected.max() > 0.9
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_full_grad_is_at_the_images_resolution_as_the_library_makes_it(images: torch.Tensor) -> None:
    expected = by_grad_cam("FullGrad", "")(Net(), images.clone(), TARGETS)
    assert_same(maps_of("grad_cam:FullGrad", Net(), images), expected)


@pytest.mark.parametrize("keywords", ["aug_smooth=True", "eigen_smooth=True"])
def test_keywords_of_a_grad_cam_call_reach_it(keywords: str, images: torch.Tensor) -> None:
    plain = maps_of("grad_cam:GradCAM:relu2", Net(), images)
    smooth = maps_of(f"grad_cam:GradCAM:relu2?{keywords}", Net(), images)
    assert plain.shape != smooth.shape or not torch.allclose(plain, smooth)


def test_libraries_agree_on_the_gradient(images: torch.Tensor) -> None:
    expected = maps_of("captum:Saliency", Net(), images)
    assert expected.min() < 0 < expected.max(), "signs are kept"
    assert_same(maps_of("zennit:Gradient", Net(), images), expected)
    assert_same(maps_of("zennit:SmoothGrad?n_iter=1", Net(), images), expected)
    assert_same(maps_of("gradient", Net(), images), expected)


def test_zennits_occlusion_looks_at_the_score_of_the_class(images: torch.Tensor) -> None:
    # By hand: the class's logit, with all but a window of the image at 0.
    def score(output: torch.Tensor) -> torch.Tensor:
        return output * torch.eye(CLASSES)[TARGETS]

    expected = zennit.attribution.Occlusion(Net(), window=4, stride=4)(images.clone(), score)[1]
    assert_same(maps_of("zennit:Occlusion?window=4&stride=4", Net(), images), expected)


# The same network in other words.


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "spec",
    [
        *("captum:Saliency", "captum:IntegratedGradients?n_steps=5", "zennit:Gradient", "grad_cam:FullGrad"),
        *(
            f"{library}:{layer}"
            for library in ("captum:LayerGradCam", "grad_cam:GradCAM")
            for layer in ("conv2", "bn2")
        ),
        *("torchcam:GradCAM:conv2", "torchcam:GradCAM:bn2", "torchcam:LayerCAM:bn1", "grad_cam:EigenCAM:bn2"),
    ],
)
def test_the_way_of_writing_makes_no_difference(style: str, spec: str, images: torch.Tensor) -> None:
    assert_same(maps_of(spec, Net(style), images), maps_of(spec, Net(), images))


@pytest.mark.parametrize("style", MODULES)
@pytest.mark.parametrize(
    "spec",
    [
        *("captum:DeepLift", "captum:GuidedBackprop", "captum:Deconvolution", "captum:GuidedGradCam"),
        *("captum:LayerGradCam", "grad_cam:GradCAM", "grad_cam:GradCAMPlusPlus", "torchcam:GradCAM"),
        *("zennit:EpsilonPlusFlat", "zennit:GuidedBackprop", "zennit:EpsilonGammaBox?low=-3&high=3"),
    ],
)
def test_activation_modules_may_be_shared_and_in_place(style: str, spec: str, images: torch.Tensor) -> None:
    assert_same(maps_of(spec, Net(style), images), maps_of(spec, Net(), images))


@pytest.mark.parametrize("style", ["plain", *STYLES])
@pytest.mark.parametrize("layer", ["conv1", "conv2", "bn1", "bn2"])
def test_grad_cam_is_the_same_in_every_library(style: str, layer: str, images: torch.Tensor) -> None:
    # "A layer by name: exactly what comes out of that module, whatever is done to it in place afterwards."
    expected = gradcam(Net(), images, TARGETS, layer=layer)
    assert_same(maps_of(f"captum:LayerGradCam:{layer}", Net(style), images)[:, 0].relu(), expected)
    assert_same(maps_of(f"torchcam:GradCAM:{layer}", Net(style), images), expected)
    assert_same(maps_of(f"grad_cam:GradCAM:{layer}", Net(style), images), expected)


@pytest.mark.parametrize("library", ["captum:LayerGradCam", "torchcam:GradCAM", "grad_cam:GradCAM"])
def test_on_a_residual_network_grad_cam_is_the_same_in_every_library(library: str) -> None:
    # Its bn2 is followed by "out += identity", in place and without a module.
    model, images = resnet(), torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    expected = gradcam(model, images, TARGETS[:2], layer="layer4.1.bn2")
    maps = maps_of(f"{library}:layer4.1.bn2", model, images, TARGETS[:2])
    assert_same(maps[:, 0].relu() if maps.ndim == 4 else maps, expected)


def resnet() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: nn.Module = torchvision.models.resnet18(num_classes=CLASSES)
    return model


# What every method of this project holds to.


@pytest.mark.parametrize("spec", SURE)
def test_a_map_does_not_depend_on_the_other_images(spec: str, images: torch.Tensor) -> None:
    together = maps_of(spec, Net(), images)
    for index in range(len(images)):
        some = slice(index, index + 1)
        torch.testing.assert_close(
            maps_of(spec, Net(), images[some], TARGETS[some]), together[some], atol=1e-4, rtol=1e-3
        )


@pytest.mark.parametrize("spec", SPECS)
def test_the_class_that_is_asked_for_is_explained(spec: str, images: torch.Tensor) -> None:
    one, other = maps_of(spec, Net(), images), maps_of(spec, Net(), images, (TARGETS + 1) % CLASSES)
    differ = [not torch.allclose(a, b, rtol=1e-3, atol=1e-6) for a, b in zip(one, other, strict=True)]
    assert differ == [not any(name in spec for name in NO_CLASS)] * 4


@pytest.mark.parametrize("spec", SURE)
def test_large_batches_are_taken_in_parts(spec: str, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    together = maps_of(spec, Net(), images)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * images[0].numel())
    torch.testing.assert_close(maps_of(spec, Net(), images), together, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("spec", SPECS)
def test_maps_are_detached_floats_and_finite(spec: str, images: torch.Tensor) -> None:
    maps = maps_of(spec, Net(), images)
    assert maps.dtype == torch.float32
    assert not maps.requires_grad
    assert len(maps) == 4
    assert maps.isfinite().all()


@pytest.mark.parametrize("spec", SPECS)
def test_modes_and_frozen_parameters_make_no_difference(spec: str, images: torch.Tensor) -> None:
    expected = maps_of(spec, Net(), images)
    model = Net().train().requires_grad_(False)
    torch.testing.assert_close(maps_of(spec, model, images), expected)
    with torch.no_grad():
        torch.testing.assert_close(maps_of(spec, model, images), expected)
    with torch.inference_mode():
        torch.testing.assert_close(maps_of(spec, model, images), expected)


@pytest.mark.parametrize("spec", ONE_EACH)
def test_targets_of_any_integer_type_name_classes(spec: str, images: torch.Tensor) -> None:
    expected = maps_of(spec, Net(), images)
    for dtype in (torch.int32, torch.uint8):
        assert_same(maps_of(spec, Net(), images, TARGETS.to(dtype)), expected)


@pytest.mark.parametrize("spec", ONE_EACH)
@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_a_target_that_is_no_class_is_an_error(spec: str, wrong: int, images: torch.Tensor) -> None:
    # As the project's own methods say it; libraries take -1 for the last class, or raise what comes.
    with pytest.raises(ValueError, match=f"targets must be classes 0 to {CLASSES - 1} of the model"):
        maps_of(spec, Net(), images, torch.tensor([0, wrong, 1, 2]))


@pytest.mark.parametrize("spec", ONE_EACH)
def test_what_is_no_batch_is_an_error(spec: str, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="images must have the shape"):
        maps_of(spec, Net(), images[0])
    with pytest.raises(TypeError, match="targets must be integer class indices"):
        maps_of(spec, Net(), images, TARGETS.float())


@pytest.mark.parametrize("spec", ONE_EACH)
def test_a_model_that_gives_no_logits_is_named(spec: str, images: torch.Tensor) -> None:
    # As the project's own methods say it.
    class Pair(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return (super().forward(images), images)  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"the model must return logits .*, not tuple"):
        maps_of(spec, Pair(), images)


# Nothing is left behind, printed or warned of.

# Of these the lived-in network has the layers.
ANYWHERE = [
    *("captum:Saliency", "captum:IntegratedGradients?n_steps=3", "captum:LayerGradCam", "captum:GuidedBackprop"),
    *("captum:GuidedGradCam", "captum:DeepLift", "captum:LayerGradCam:0", "grad_cam:GradCAM", "grad_cam:FullGrad"),
    *("grad_cam:ScoreCAM", "grad_cam:AblationCAM", "grad_cam:EigenCAM", "torchcam:GradCAM", "torchcam:LayerCAM:1"),
    *("torchcam:ScoreCAM", "zennit:Gradient", "zennit:EpsilonPlusFlat", "zennit:GuidedBackprop"),
]
NO_BACKWARD = ("ScoreCAM", "EigenCAM", "AblationCAM")


@pytest.mark.parametrize("spec", ANYWHERE)
@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_everything_is_left_as_found(spec: str, breaks: str) -> None:
    model, targets = lived_in_model(breaks), torch.tensor([1, 2])
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    method = resolve_method(spec)
    raised = False
    with left_as_found(model, images, targets):
        try:
            method(model, images, targets)
        except RuntimeError:  # HalfwayError, or what a library makes of it
            raised = True
    no_backward = any(name in spec for name in NO_BACKWARD)
    assert raised == (breaks == "forward" or (breaks == "backward" and not no_backward))


@pytest.mark.parametrize("spec", ANYWHERE)
def test_a_method_can_go_on_after_a_model_that_broke(spec: str, images: torch.Tensor) -> None:
    method = resolve_method(spec.partition(":1")[0].partition(":0")[0])
    fresh = resolve_method(method.__name__)(Net(), images, TARGETS)
    large = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with suppress(RuntimeError):
        method(lived_in_model("backward"), large, TARGETS[:2])
    assert torch.equal(method(Net(), images, TARGETS), fresh)


@pytest.mark.parametrize("spec", SURE)
def test_random_streams_are_not_drawn_from(spec: str, images: torch.Tensor) -> None:
    model = Net()
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index, union-attr]
    resolve_method(spec)(model, images, TARGETS)
    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()


@pytest.mark.parametrize("spec", SPECS)
def test_nothing_is_warned_of_or_printed(
    spec: str, images: torch.Tensor, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        maps_of(spec, Net("shared inplace") if "relu" not in spec else Net("inplace"), images.clone())
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_a_warning_of_the_model_itself_is_heard(images: torch.Tensor) -> None:
    class Warns(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            warnings.warn("mind the gap", UserWarning, stacklevel=1)
            return super().forward(images)

    with pytest.warns(UserWarning, match="mind the gap"):
        maps_of("captum:Saliency", Warns(), images)


def test_the_users_logging_stays_as_it_was(images: torch.Tensor) -> None:
    logger = logging.getLogger("torchcam")
    before = logger.level
    logger.setLevel(logging.INFO)
    try:
        maps_of("torchcam:GradCAM", Net(), images)
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(before)


# Layers.


class Plain(nn.Sequential):
    """Convolution, normalisation, activation, by names that are theirs."""

    def __init__(self, *order: str) -> None:
        super().__init__()
        made = {
            "conv": lambda: nn.Conv2d(3, 3, 3, padding=1),
            "bn": lambda: nn.BatchNorm2d(3),
            "relu": lambda: nn.ReLU(inplace=True),
            "gelu": nn.GELU,
            "group": lambda: nn.GroupNorm(1, 3),
            "pool": lambda: nn.MaxPool2d(2),
            "mean": lambda: nn.AdaptiveAvgPool2d(1),
            "tanh": nn.Tanh,
            "flat": nn.Flatten,
            "fc": lambda: nn.LazyLinear(CLASSES),
        }
        for place, kind in enumerate(order):
            self.add_module(f"{kind}{place}", made[kind]())


DEFAULT_LAYERS = [
    ("conv flat fc", "conv0"),
    ("conv relu flat fc", "relu1"),
    ("conv bn relu flat fc", "relu2"),
    ("conv relu bn flat fc", "bn2"),
    ("conv group gelu flat fc", "gelu2"),
    ("conv relu conv bn relu pool flat fc", "relu4"),
    ("conv bn pool relu flat fc", "bn1"),
    ("conv tanh flat fc", "conv0"),
    ("conv relu mean conv relu flat fc", "relu1"),  # one position is no map
]


def default_layer(model: nn.Module, image: torch.Tensor, library: str = "captum:LayerGradCam") -> str | None:
    method = resolve_method(library)
    assert isinstance(method, LibraryMethod)
    return method.layer_of(model, image)


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize(("order", "layer"), DEFAULT_LAYERS)
def test_the_default_layer_is_the_last_convolutions(order: str, layer: str, images: torch.Tensor) -> None:
    model = Plain(*order.split()).eval()
    model(images)
    for library in ("captum:LayerGradCam", "grad_cam:GradCAM", "torchcam:GradCAM"):
        assert default_layer(model, images[:1], library) == layer
        by_name = maps_of(f"{library}:{layer}", model, images)
        torch.testing.assert_close(maps_of(library, model, images), by_name, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("resnet18", "layer4.1.bn2"),  # what follows it is a sum with another branch
        ("mobilenet_v3_small", "features.12.2"),
        ("squeezenet1_1", "classifier.2"),  # executed last, whatever the order in the model
    ],
)
def test_the_default_layer_of_known_networks(name: str, layer: str) -> None:
    model = getattr(torchvision.models, name)(num_classes=CLASSES, weights=None)
    assert default_layer(model, torch.zeros(1, 3, 64, 64)) == layer


@pytest.mark.parametrize("style", ["plain", "inplace", "functional"])
def test_the_default_layer_is_a_name_of_the_users_model(style: str, images: torch.Tensor) -> None:
    assert default_layer(Net(style), images[:1]) == ("bn2" if style == "functional" else "relu2")


@pytest.mark.parametrize("style", ["shared", "shared inplace"])
def test_the_default_layer_of_a_shared_module_can_be_named(style: str, images: torch.Tensor) -> None:
    layer = default_layer(Net(style), images[:1])
    by_name = maps_of(f"captum:LayerGradCam:{layer}", Net(style), images)
    assert_same(by_name, maps_of("captum:LayerGradCam:relu2", Net(), images))


def test_the_default_layer_has_the_same_name_in_a_randomised_copy(images: torch.Tensor) -> None:
    other = copy.deepcopy(Net("shared inplace"))
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    assert default_layer(other, images[:1]) == default_layer(Net("shared inplace"), images[:1])


def test_a_class_without_layer_has_none(images: torch.Tensor) -> None:
    assert default_layer(Net(), images[:1], "captum:Saliency") is None


@pytest.mark.parametrize("library", ["captum:LayerGradCam", "grad_cam:GradCAM", "torchcam:GradCAM"])
def test_of_a_shared_module_by_name_the_last_use_counts(library: str, images: torch.Tensor) -> None:
    # As for the project's own gradcam: one name, one map, whichever library draws it.
    assert_same(maps_of(f"{library}:relu1", Net("shared"), images), maps_of(f"{library}:relu2", Net(), images))


@pytest.mark.parametrize("layer", ["conv2", "relu2"])
def test_attributes_of_the_layer_that_is_looked_at_can_be_read(layer: str, images: torch.Tensor) -> None:
    class Reading(Net):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            assert self.conv2.out_channels == 8
            assert self.relu2.inplace is False
            return super().forward(images)

    spec = f"captum:LayerGradCam:{layer}"
    assert_same(maps_of(spec, Reading(), images), maps_of(spec, Net(), images))


@pytest.mark.parametrize("library", ["captum:LayerGradCam", "grad_cam:GradCAM", "torchcam:LayerCAM"])
@pytest.mark.parametrize(("layer", "near"), [("conv3", "'conv2'"), ("bn", "'bn"), ("rellu2", "'relu2'")])
def test_a_layer_that_does_not_exist_is_an_error(library: str, layer: str, near: str, images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=rf"unknown layer '{layer}' \(did you mean {near}"):
        maps_of(f"{library}:{layer}", Net(), images)


@pytest.mark.parametrize(
    "spec", ["captum:Saliency", "captum:DeepLift", "grad_cam:FullGrad", "zennit:Gradient", "zennit:EpsilonPlusFlat"]
)
def test_a_layer_for_a_class_that_takes_none_is_an_error(spec: str) -> None:
    with pytest.raises(ValueError, match=f"{spec}:conv2: {spec} looks at no layer, so none can be named"):
        resolve_method(f"{spec}:conv2")


def test_a_network_without_convolutions_needs_a_named_layer() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, CLASSES))
    with pytest.raises(ValueError, match="no convolution with more than one position: name a layer"):
        maps_of("captum:LayerGradCam", model, torch.zeros(1, 3, 2, 2), TARGETS[:1])


# Classes and keywords that do not exist.


@pytest.mark.parametrize(
    ("spec", "near"),
    [
        ("captum:IntegratedGradient", "'IntegratedGradients'"),
        ("captum:integratedgradients", "'IntegratedGradients'"),
        ("grad_cam:GradCAMPlus", "'GradCAMPlusPlus'"),
        ("torchcam:LayerCam", "'LayerCAM'"),
        ("zennit:EpsilonPlusFlt", "'EpsilonPlusFlat'"),
    ],
)
def test_an_unknown_class_has_near_matches(spec: str, near: str) -> None:
    library, _, name = spec.partition(":")
    with pytest.raises(ValueError, match=rf"unknown method of {library} '{name}' \(did you mean .*{near}.*allowed: "):
        resolve_method(spec)


@pytest.mark.parametrize(
    "spec",
    [
        *("captum:NeuronGradient", "captum:NoiseTunnel", "captum:DeepLiftShap", "captum:visualization"),
        # It shuffles the images of a batch, so that the map of one depends on the others, and alone has none.
        "captum:FeaturePermutation",
        *("grad_cam:BaseCAM", "grad_cam:AblationLayer", "torchcam:_CAM", "zennit:Attributor", "captum:torch"),
    ],
)
def test_what_explains_no_images_is_not_offered(spec: str) -> None:
    with pytest.raises(ValueError, match="unknown method of") as raised:
        resolve_method(spec)
    offered = str(raised.value).partition("allowed: ")[2].split(", ")
    assert offered
    assert spec.partition(":")[2] not in offered


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("captum:Saliency?abz=True", r"unknown keyword of captum:Saliency 'abz' \(did you mean 'abs'\?\)"),
        ("captum:Saliency?target=1", "unknown keyword of captum:Saliency 'target'"),
        ("captum:Saliency?inputs=1", "unknown keyword"),
        ("captum:LayerGradCam?layer=conv2", "unknown keyword"),
        (
            "captum:Occlusion",
            r"needs the keyword sliding_window_shapes: captum:Occlusion\?sliding_window_shapes=\.\.\.",
        ),
        ("grad_cam:GradCAM?targets=1", "unknown keyword of grad_cam:GradCAM 'targets'.*aug_smooth"),
        ("torchcam:GradCAM?target_layer=conv2", "unknown keyword"),
        ("zennit:EpsilonGammaBox", "needs the keyword low"),
        ("zennit:EpsilonPlus?epsilom=1", r"did you mean 'epsilon'\?"),
    ],
)
def test_keywords_are_checked_when_the_spec_is(spec: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        resolve_method(spec)


def test_a_method_is_shown_by_its_spec() -> None:
    assert resolve_method("captum:LayerGradCam:conv2").__name__ == "captum:LayerGradCam:conv2"


# What is imported, in a process of its own.

LIBRARIES = {"captum", "zennit", "torchcam", "pytorch_grad_cam"}


def libraries_imported_by(program: str) -> set[str]:
    shown = "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program + shown], capture_output=True, text=True, check=True)
    return LIBRARIES & set(done.stdout.splitlines()[-1].split())


def test_libraries_are_imported_only_when_they_are_asked_for() -> None:
    program = (
        "import pytest_saliency_sanity; from pytest_saliency_sanity import *; "
        "from pytest_saliency_sanity.methods.resolve import resolve_method; "
        "[resolve_method(name) for name in ('gradcam', 'smoothgrad?n_samples=2', 'gradient', 'sobel', 'input')]"
    )
    assert libraries_imported_by(program) == set()


def test_one_library_does_not_import_another() -> None:
    # Shows that the test above can fail.
    program = "from pytest_saliency_sanity.methods.resolve import resolve_method; resolve_method('zennit:Gradient')"
    assert libraries_imported_by(program) == {"zennit"}


# The copy that the libraries get.


class Thrice(nn.Module):
    """One ReLU in three places, under two names; one pooling in two."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.relu = nn.ReLU(inplace=True)
        self.also = nn.ModuleDict({"relu": self.relu})
        self.pool, self.head = nn.MaxPool2d(2), nn.Linear(3, CLASSES)
        fill(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.pool(self.relu(self.first(images)))
        values = self.pool(self.also["relu"](self.second(values)))
        values = self.relu(self.third(values))
        logits: torch.Tensor = self.head(values.mean((2, 3)))
        return logits


def used_twice(model: nn.Module, images: torch.Tensor) -> list[str]:
    """Return the types of activations and poolings that are used more than once in a pass."""
    uses: list[nn.Module] = []
    leaves = [module for module in model.modules() if isinstance(module, nn.ReLU | nn.MaxPool2d)]
    handles = [leaf.register_forward_hook(lambda module, *_: uses.append(module)) for leaf in leaves]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return [type(module).__name__ for module in set(uses) if uses.count(module) > 1]


@pytest.fixture(params=["thrice", "resnet18", "shared inplace"])
def shared(request: pytest.FixtureRequest) -> nn.Module:
    model = {"thrice": Thrice, "resnet18": resnet}.get(request.param, lambda: Net(request.param))()
    return model.eval()


def test_a_canonical_copy_has_the_same_logits(shared: nn.Module) -> None:
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert used_twice(shared, images), "nothing is shared here"
    copied = canonical_copy(shared, images[:1])
    with torch.no_grad():
        for batch in (images, images[:1], images):  # pass after pass, of any size
            assert torch.equal(copied(batch), shared(batch))
    assert used_twice(copied, images) == []


def test_a_canonical_copy_is_explained_the_same(shared: nn.Module) -> None:
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    copied = canonical_copy(shared, images[:1].detach())
    (expected,) = torch.autograd.grad(shared(images)[:, 1].sum(), images)
    (found,) = torch.autograd.grad(copied(images)[:, 1].sum(), images)
    assert torch.equal(found, expected)


def test_a_canonical_copy_is_in_a_defined_state_and_the_model_as_before(shared: nn.Module) -> None:
    images, targets = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)), TARGETS[:1]
    shared.train().requires_grad_(False)
    with left_as_found(shared, images, targets):
        copied = canonical_copy(shared, images)
    assert not any(module.training for module in copied.modules())
    assert not any(getattr(module, "inplace", False) for module in copied.modules())
    assert all(parameter.requires_grad for parameter in copied.parameters())
    assert not {id(tensor) for tensor in shared.parameters()} & {id(tensor) for tensor in copied.parameters()}


def test_a_canonical_copy_goes_on_after_a_pass_that_broke() -> None:
    model, images = Thrice(), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    copied = canonical_copy(model, images)
    with pytest.raises(RuntimeError):
        copied(torch.zeros(1, 3, 2, 2))  # the second pooling has nothing left, after two of five uses
    with torch.no_grad():
        assert torch.equal(copied(images), model(images))


def test_a_tied_parameter_stays_tied(images: torch.Tensor) -> None:
    model = Net()
    model.bn1.bias = model.bn1.weight
    copied = canonical_copy(model, images[:1])
    assert copied.bn1.bias is copied.bn1.weight


class Reader(Thrice):
    """A network that reads an attribute of a module that it uses more than once."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert self.pool.kernel_size == 2
        return super().forward(images)


def test_attributes_of_a_shared_module_can_be_read() -> None:
    model, images = Reader(), torch.randn(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(canonical_copy(model, images)(images), model(images))
