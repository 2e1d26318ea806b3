"""The networks are the paper's (appendix B.3 and B.4), layer by layer."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import build_model
from pytest_saliency_sanity.networks.architectures.resnet import Block, ResNet

ALEXNET = """
AlexNet(
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
    )
    (avgpool): AdaptiveAvgPool2d(output_size=(6, 6))
    (classifier): Sequential(
        (0): Dropout(p=0.5, inplace=False)
        (1): Linear(in_features=9216, out_features=8192, bias=True)
        (2): ReLU(inplace=True)
        (3): Dropout(p=0.5, inplace=False)
        (4): Linear(in_features=8192, out_features=4096, bias=True)
        (5): ReLU(inplace=True)
        (6): Linear(in_features=4096, out_features=10, bias=True)
    )
)
"""
VGG11 = """
VGG(
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
    )
    (avgpool): AdaptiveAvgPool2d(output_size=(7, 7))
    (classifier): Sequential(
        (0): Linear(in_features=25088, out_features=4096, bias=True)
        (1): ReLU(inplace=True)
        (2): Dropout(p=0.5, inplace=False)
        (3): Linear(in_features=4096, out_features=4096, bias=True)
        (4): ReLU(inplace=True)
        (5): Dropout(p=0.5, inplace=False)
        (6): Linear(in_features=4096, out_features=10, bias=True)
    )
)
"""
POSITIONAL = {"Conv2d": ("in_channels", "out_channels")}
SIZES = ("in_channels", "out_channels", "in_features", "out_features")
LISTINGS = {"alexnet": ALEXNET, "vgg11": VGG11}
BOTH = pytest.mark.parametrize("name", LISTINGS)

Layers = list[tuple[str, str, dict[str, Any]]]


def on_meta(name: str, width: float = 1.0, num_classes: int = 10) -> nn.Module:
    with torch.device("meta"):
        return build_model(name, width, num_classes)


def layers(listing: str) -> Layers:
    """Return each layer of a listing as torch prints it, the paper's or ours: path, type, hyper-parameters."""
    found: Layers = []
    containers: list[str] = []
    for line in listing.strip().splitlines()[1:-1]:
        if line.strip() == ")":
            containers.pop()
            continue
        match = re.fullmatch(r" *\((\w+)\): (\w+)\((.*)", line)
        assert match, line
        name, kind, arguments = match.groups()
        if arguments:
            found.append((".".join([*containers, name]), kind, hyper_parameters(kind, arguments.removesuffix(")"))))
        else:
            containers.append(name)
    return found


def hyper_parameters(kind: str, arguments: str) -> dict[str, Any]:
    call = ast.parse(f"f({arguments})", mode="eval").body
    assert isinstance(call, ast.Call)
    positional = zip(POSITIONAL.get(kind, ()), call.args, strict=True)
    named = [(str(keyword.arg), keyword.value) for keyword in call.keywords]
    return {name: ast.literal_eval(value) for name, value in [*positional, *named]}


def test_a_listing_is_read_whole() -> None:
    assert len(layers(ALEXNET)) == 21
    assert len(layers(VGG11)) == 29
    assert layers(ALEXNET)[0] == (
        "features.0",
        "Conv2d",
        {"in_channels": 3, "out_channels": 128, "kernel_size": (11, 11), "stride": (4, 4), "padding": (2, 2)},
    )


@BOTH
def test_every_layer_is_the_one_of_the_appendix(name: str) -> None:
    # Ours as it is printed, too: so a hyper-parameter that the appendix leaves at its default (no bias, groups) shows.
    assert layers(repr(on_meta(name))) == layers(LISTINGS[name])


@BOTH
def test_the_layers_run_once_each_in_the_order_of_the_appendix(name: str) -> None:
    model = on_meta(name)
    executed: list[str] = []
    for path, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, args, output, path=path: executed.append(path))
    model(torch.zeros(2, 3, 64, 64, device="meta"))
    assert executed == [path for path, _, _ in layers(LISTINGS[name])]


@pytest.mark.parametrize(("name", "millions"), [("alexnet", 114.6), ("vgg11", 128.8)])
def test_the_size_is_the_papers(name: str, millions: float) -> None:
    assert round(sum(each.numel() for each in on_meta(name).parameters()) / 1e6, 1) == millions


@BOTH
def test_width_scales_hidden_layers_only(name: str) -> None:
    narrow = layers(repr(on_meta(name, width=0.25)))
    for _, _, values in narrow:
        for size in SIZES:
            if size in values:
                values[size] *= 4
    narrow[0][2]["in_channels"] //= 4  # an image has three channels,
    narrow[-1][2]["out_features"] //= 4  # and there are ten classes, at any width
    assert narrow == layers(LISTINGS[name])


@BOTH
def test_the_number_of_classes_changes_the_last_layer_only(name: str) -> None:
    *hidden, last = layers(repr(on_meta(name, num_classes=7)))
    assert hidden == layers(LISTINGS[name])[:-1]
    assert last[2]["out_features"] == 7


@BOTH
@pytest.mark.parametrize("width", [0.05, 1e-9])
def test_a_network_gives_logits_for_images_of_64_pixels(name: str, width: float) -> None:
    model = build_model(name, width=width, num_classes=4)
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 4)


def test_an_unknown_network_is_an_error_with_a_near_match() -> None:
    with pytest.raises(
        ValueError, match=r"unknown model 'alexnt' \(did you mean 'alexnet' or 'resnet'\?\); allowed: alexnet, vgg"
    ):
        build_model("alexnt")


@BOTH
@pytest.mark.parametrize("width", [0.0, -1.0, float("nan")])
def test_a_width_that_is_not_positive_is_an_error(name: str, width: float) -> None:
    with pytest.raises(ValueError, match=f"width must be above 0, not {width}"):
        build_model(name, width=width)


@BOTH
@pytest.mark.parametrize("num_classes", [1, 0, -3])
def test_fewer_than_two_classes_are_an_error(name: str, num_classes: int) -> None:
    with pytest.raises(ValueError, match=f"num_classes must be at least 2, not {num_classes}"):
        build_model(name, num_classes=num_classes)


# The residual network


def test_a_block_is_torchvisions_basic_block() -> None:
    basic_block = pytest.importorskip("torchvision.models.resnet").BasicBlock
    for inputs, outputs, stride in ((4, 4, 1), (4, 6, 2), (4, 6, 1)):
        ours = Block(inputs, outputs, stride).eval()
        shortcut = None
        if not isinstance(ours.shortcut, nn.Identity):
            shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        theirs = basic_block(inputs, outputs, stride, shortcut).eval()
        for tensor in ours.state_dict().values():
            if tensor.is_floating_point():
                nn.init.uniform_(tensor, 0.5, 1.5)
        theirs.load_state_dict({n.replace("shortcut", "downsample"): t for n, t in ours.state_dict().items()})
        features = torch.randn(2, inputs, 8, 8)
        torch.testing.assert_close(ours(features), theirs(features))


def test_the_last_features_have_an_eighth_of_the_images_sides() -> None:
    model = build_model("resnet", width=0.375).eval()
    assert isinstance(model, ResNet)
    assert model.features(torch.zeros(2, 3, 64, 64)).shape == (2, 96, 8, 8)
    assert model.features(torch.zeros(2, 3, 64, 128)).shape == (2, 96, 8, 16)
    assert model(torch.zeros(2, 3, 64, 128)).shape == (2, 10)


def test_each_activation_function_is_a_module_of_its_own() -> None:
    model = build_model("resnet", width=0.05).eval()
    calls: list[nn.Module] = []
    for module in model.modules():
        if not any(module.children()):
            module.register_forward_hook(lambda module, _, __: calls.append(module))
    model(torch.zeros(1, 3, 16, 16))
    assert len(calls) == len(set(calls))
    assert sum(isinstance(each, nn.ReLU) for each in calls) == 7
