"""The layer that a class activation map is made of: by default, by name, and where there is none."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
import torchvision
from support.libraries import CLASSES, TARGETS, Net, maps_of
from support.maps import assert_same
from torch import nn

from pytest_saliency_sanity import resolve_method
from pytest_saliency_sanity.methods.adapters.library import LibraryMethod


class Plain(nn.Sequential):
    """Convolution, normalisation, activation, by names that are theirs."""

    def __init__(self, *order: str) -> None:
        super().__init__()
        made: dict[str, Callable[[], nn.Module]] = {
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


def test_a_network_without_convolutions_needs_a_named_layer() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, CLASSES))
    with pytest.raises(ValueError, match="no convolution with more than one position: name a layer"):
        maps_of("captum:LayerGradCam", model, torch.zeros(1, 3, 2, 2), TARGETS[:1])
