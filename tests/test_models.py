"""The networks are the paper's (appendix B.3 and B.4), layer by layer."""

from __future__ import annotations

import ast
import re

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import build_model

ALEXNET = """
(features): Sequential(
(0): Conv2d(3, 128, kernel_size=(11, 11), stride=(4, 4), padding=(2, 2))
(1): ReLU(inplace=True)
(2): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
(3): Conv2d(128, 384, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
(4): ReLU(inplace=True)
(5): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
(6): Conv2d(384, 480, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(7): ReLU(inplace=True)
(8): Conv2d(480, 384, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(9): ReLU(inplace=True)
(10): Conv2d(384, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(11): ReLU(inplace=True)
(12): MaxPool2d(kernel_size=3, stride=2, padding=0, dilation=1, ceil_mode=False)
(avgpool): AdaptiveAvgPool2d(output_size=(6, 6))
(classifier): Sequential(
(0): Dropout(p=0.5, inplace=False)
(1): Linear(in_features=9216, out_features=8192, bias=True)
(2): ReLU(inplace=True)
(3): Dropout(p=0.5, inplace=False)
(4): Linear(in_features=8192, out_features=4096, bias=True)
(5): ReLU(inplace=True)
(6): Linear(in_features=4096, out_features=10, bias=True)
"""
VGG11 = """
(features): Sequential(
(0): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(1): ReLU(inplace=True)
(2): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
(3): Conv2d(64, 128, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(4): ReLU(inplace=True)
(5): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
(6): Conv2d(128, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(7): ReLU(inplace=True)
(8): Conv2d(256, 256, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(9): ReLU(inplace=True)
(10): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
(11): Conv2d(256, 512, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(12): ReLU(inplace=True)
(13): Conv2d(512, 512, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(14): ReLU(inplace=True)
(15): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
(16): Conv2d(512, 512, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(17): ReLU(inplace=True)
(18): Conv2d(512, 512, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
(19): ReLU(inplace=True)
(20): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
(avgpool): AdaptiveAvgPool2d(output_size=(7, 7))
(classifier): Sequential(
(0): Linear(in_features=25088, out_features=4096, bias=True)
(1): ReLU(inplace=True)
(2): Dropout(p=0.5, inplace=False)
(3): Linear(in_features=4096, out_features=4096, bias=True)
(4): ReLU(inplace=True)
(5): Dropout(p=0.5, inplace=False)
(6): Linear(in_features=4096, out_features=10, bias=True)
"""
POSITIONAL = {"Conv2d": ("in_channels", "out_channels")}


def on_meta(name: str, width: float = 1.0, num_classes: int = 10) -> nn.Module:
    with torch.device("meta"):
        return build_model(name, width, num_classes)


def listed(listing: str) -> list[tuple[str, str, dict[str, object]]]:
    """Return each layer of the paper's listing: name, type, hyper-parameters."""
    layers, container = [], ""
    for line in listing.strip().splitlines():
        name, kind, arguments = re.fullmatch(r"\((\w+)\): (\w+)\((.*?)\)?", line.strip()).groups()  # type: ignore[union-attr]
        if kind == "Sequential":
            container = f"{name}."
            continue
        call = ast.parse(f"f({arguments})", mode="eval").body
        assert isinstance(call, ast.Call)
        values = dict(zip(POSITIONAL.get(kind, ()), map(ast.literal_eval, call.args), strict=False))
        values |= {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        layers.append((name if kind == "AdaptiveAvgPool2d" else container + name, kind, values))
    return layers


@pytest.mark.parametrize(("name", "listing"), [("alexnet", ALEXNET), ("vgg11", VGG11)])
def test_every_layer_is_the_one_of_the_appendix(name: str, listing: str) -> None:
    modules = [(path, module) for path, module in on_meta(name).named_modules() if not list(module.children())]
    expected = listed(listing)
    assert [(path, type(module).__name__) for path, module in modules] == [(path, kind) for path, kind, _ in expected]
    for (path, module), (_, kind, values) in zip(modules, expected, strict=True):
        assert values, path
        for hyper_parameter, value in values.items():
            actual = getattr(module, hyper_parameter)
            if hyper_parameter == "bias":
                actual = actual is not None
            assert actual == value, f"{name} {path} {kind} {hyper_parameter}"


@pytest.mark.parametrize(("name", "parameters"), [("alexnet", 114.6e6), ("vgg11", 128.8e6)])
def test_the_size_is_the_papers(name: str, parameters: float) -> None:
    assert sum(each.numel() for each in on_meta(name).parameters()) == pytest.approx(parameters, rel=5e-4)


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_width_scales_hidden_layers_only(name: str) -> None:
    narrow, full = on_meta(name, width=0.25, num_classes=7), on_meta(name)
    for a, b in zip(narrow.modules(), full.modules(), strict=True):
        if isinstance(a, nn.Conv2d) and isinstance(b, nn.Conv2d):
            assert a.out_channels * 4 == b.out_channels
            assert a.in_channels == (3 if b.in_channels == 3 else b.in_channels // 4)
    last = list(narrow.modules())[-1]
    assert isinstance(last, nn.Linear)
    assert last.out_features == 7


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_a_network_gives_logits_for_images_of_64_pixels(name: str) -> None:
    model = build_model(name, width=0.05, num_classes=4)
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 4)


def test_an_unknown_network_is_an_error_with_a_near_match() -> None:
    with pytest.raises(ValueError, match=r"unknown model 'alexnt' \(did you mean 'alexnet'\?\); allowed: alexnet, vgg"):
        build_model("alexnt")


@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_width_that_is_not_positive_is_an_error(width: float) -> None:
    with pytest.raises(ValueError, match="width must be above 0"):
        build_model("alexnet", width=width)


def test_one_class_is_an_error() -> None:
    with pytest.raises(ValueError, match="num_classes must be at least 2, not 1"):
        build_model("vgg11", num_classes=1)
