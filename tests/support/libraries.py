"""Methods of other libraries, called by hand as their documentation shows it; and a network to explain with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import captum.attr
import numpy as np
import pytorch_grad_cam
import torch
import torchcam.methods
import torchvision
import zennit.attribution
import zennit.composites
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from support.images import noise
from support.maps import assert_same
from support.networks import fill, seeded
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import resolve_method

CLASSES = 5
IMAGES, TARGETS = noise(4, 3, 20, 20), torch.tensor([0, 3, 1, 4])
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


def resnet() -> nn.Module:
    model: nn.Module = seeded(lambda: torchvision.models.resnet18(num_classes=CLASSES))
    return model


def maps_of(spec: str, model: nn.Module, images: torch.Tensor, targets: torch.Tensor = TARGETS) -> torch.Tensor:
    """Return the maps of a spec; a method that draws from the global streams finds them seeded."""
    method = resolve_method(spec)
    seed()
    return method(model, images, targets)


@cache
def plain_maps(spec: str) -> torch.Tensor:
    """Return the maps of a spec of the plain network and ``IMAGES``: made once, to be compared with and left alone."""
    return maps_of(spec, Net(), IMAGES.clone())


def seed() -> None:
    torch.manual_seed(0)
    np.random.seed(0)


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


def assert_native(spec: str, images: torch.Tensor) -> None:
    """Assert that the maps of a spec are those that the library gives by hand."""
    model = Net()
    seed()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library says of itself
        expected = NATIVE[spec](model, images.clone().requires_grad_(), TARGETS).detach()
    assert_same(maps_of(spec, Net(), images), expected)
