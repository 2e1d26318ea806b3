"""captum: the library's own maps; and Guided Backprop through it, against its definition."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from support.images import digits
from support.libraries import NATIVE, assert_native
from support.maps import assert_same
from support.networks import HalfwayError, lived_in_model
from support.traces import left_as_found
from torch import nn

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradient, load_checkpoint, resolve_method

TARGETS = torch.arange(4)


@pytest.mark.parametrize("spec", [spec for spec in NATIVE if spec.startswith("captum:")])
def test_the_maps_are_the_librarys_own(spec: str, images: torch.Tensor) -> None:
    assert_native(spec, images)


@pytest.fixture
def four_digits() -> torch.Tensor:
    return digits(4)


def literal_guided_backprop(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Springenberg et al. 2015: at every ReLU, only positive gradients of positive activations go down."""

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, values: torch.Tensor) -> torch.Tensor:
            context.save_for_backward(values)
            return values.clamp(min=0)

        @staticmethod
        def backward(context: Any, *gradients: torch.Tensor) -> torch.Tensor:
            (gradient,), (values,) = gradients, context.saved_tensors
            guided: torch.Tensor = gradient.clamp(min=0) * (values > 0)
            return guided

    class GuidedReLU(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            guided: torch.Tensor = Guided.apply(values)
            return guided

    for parent in list(model.modules()):
        for child, module in parent.named_children():
            if isinstance(module, nn.ReLU):
                setattr(parent, child, GuidedReLU())
    images = images.clone().requires_grad_()
    return torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)[0]


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_guided_backprop_is_its_definition_and_not_the_gradient(name: str, four_digits: torch.Tensor) -> None:
    model = load_checkpoint(name)
    actual = resolve_method("guided_backprop")(model, four_digits, TARGETS)
    assert_same(actual, literal_guided_backprop(load_checkpoint(name), four_digits, TARGETS))
    plain = gradient(model, four_digits, TARGETS)
    assert (actual - plain).abs().max() > 0.1 * plain.abs().max()


def test_guided_backprop_works_in_batches_in_training_and_without_gradients(
    model: nn.Module, four_digits: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    guided_backprop = resolve_method("guided_backprop")
    expected = guided_backprop(model, four_digits, TARGETS)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * four_digits[0].numel())
    model.train().requires_grad_(False)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            of_this_mode = four_digits.clone()
            with left_as_found(model, of_this_mode, TARGETS):
                maps = guided_backprop(model, of_this_mode, TARGETS)
        assert_same(maps, expected)


@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_guided_backprop_leaves_everything_as_found(breaks: str, four_digits: torch.Tensor) -> None:
    model = lived_in_model(breaks)
    with left_as_found(model, four_digits, TARGETS), suppress(HalfwayError):
        resolve_method("guided_backprop")(model, four_digits, TARGETS)
        assert breaks == "never"


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((4, 3, 64, 64), np.float32), TypeError, r"images must be a torch.Tensor \(N, C, H, W\), not ndarray"),
        (torch.zeros(0, 3, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(0, 3, 64, 64\)"),
        (torch.zeros(4, 3, 64, 64, dtype=torch.uint8), TypeError, "images must be floating point"),
    ],
    ids=["numpy", "no image", "bytes"],
)
def test_guided_backprop_of_other_images_is_an_error(
    images: Any, error: type[Exception], message: str, model: nn.Module
) -> None:
    with pytest.raises(error, match=message):
        resolve_method("guided_backprop")(model, images, TARGETS)
