"""The controls, Guided Backprop through captum, and how a method is found by its name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn
from traces import HalfwayError, left_as_found, lived_in_model

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradient, load_batch, load_checkpoint, resolve_method
from pytest_saliency_sanity.methods.resolve import BUILT_IN, installed_methods

TARGETS = torch.arange(4)


@pytest.fixture
def model() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def images() -> torch.Tensor:
    return load_batch("mnist", 4).images


def colours() -> torch.Tensor:
    """Return images whose channels differ, and that are not square."""
    return torch.randn(4, 3, 17, 23, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("of", ["digits", "colours"])
def test_sobel_is_scipys(of: str, model: nn.Module, images: torch.Tensor) -> None:
    looked_at = images if of == "digits" else colours()
    grey = looked_at.mean(1).double().numpy()
    expected = [sum(ndimage.sobel(each, axis, mode="nearest") ** 2 for axis in (0, 1)) ** 0.5 for each in grey]
    actual = resolve_method("sobel")(model, looked_at, TARGETS)
    torch.testing.assert_close(actual.double(), torch.from_numpy(np.stack(expected)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["sobel", "input", "uniform_noise"])
def test_a_control_does_not_look_at_the_model(name: str) -> None:
    class Untouchable(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            raise AssertionError("the model was run")

    assert len(resolve_method(name)(Untouchable(), colours(), TARGETS)) == 4


def test_the_input_is_the_input(model: nn.Module, images: torch.Tensor) -> None:
    maps = resolve_method("input")(model, images, TARGETS)
    assert torch.equal(maps, images)
    assert maps.data_ptr() != images.data_ptr()


def test_noise_is_new_at_every_call_and_follows_the_global_stream(model: nn.Module, images: torch.Tensor) -> None:
    noise = resolve_method("uniform_noise")
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first, second = noise(model, images, TARGETS), noise(model, images, TARGETS)
        torch.manual_seed(5)
        again = noise(model, images, TARGETS)
    assert first.shape == (4, 64, 64)
    assert (first.min() >= 0) & (first.max() < 1)
    assert first.std() == pytest.approx(12**-0.5, rel=0.02)
    assert not torch.equal(first, second)
    assert torch.equal(first, again)


def literal_guided_backprop(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Springenberg et al. 2015: at every ReLU, only positive gradients of positive activations go down."""

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(context: torch.autograd.function.FunctionCtx, values: torch.Tensor) -> torch.Tensor:
            context.save_for_backward(values)
            return values.clamp(min=0)

        @staticmethod
        def backward(context: torch.autograd.function.FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            (values,) = context.saved_tensors  # type: ignore[attr-defined]
            return gradient.clamp(min=0) * (values > 0)

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


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_guided_backprop_is_its_definition_and_not_the_gradient(name: str, images: torch.Tensor) -> None:
    model = load_checkpoint(name)
    actual = resolve_method("guided_backprop")(model, images, TARGETS)
    assert_same(actual, literal_guided_backprop(load_checkpoint(name), images, TARGETS))
    plain = gradient(model, images, TARGETS)
    assert (actual - plain).abs().max() > 0.1 * plain.abs().max()


def test_guided_backprop_works_in_batches_in_training_and_without_gradients(
    model: nn.Module, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    guided_backprop = resolve_method("guided_backprop")
    expected = guided_backprop(model, images, TARGETS)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * images[0].numel())
    model.train().requires_grad_(False)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            of_this_mode = images.clone()
            with left_as_found(model, of_this_mode, TARGETS):
                maps = guided_backprop(model, of_this_mode, TARGETS)
        assert_same(maps, expected)


@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_guided_backprop_leaves_everything_as_found(breaks: str, images: torch.Tensor) -> None:
    model = lived_in_model(breaks)
    with left_as_found(model, images, TARGETS), suppress(HalfwayError):
        resolve_method("guided_backprop")(model, images, TARGETS)
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


def test_with_captum_installed_every_built_in_method_is() -> None:
    expected = ["gradcam", "smoothgrad", "gradient", "sobel", "input", "uniform_noise", "guided_backprop"]
    assert installed_methods() == list(BUILT_IN) == expected


@pytest.mark.parametrize("name", installed_methods())
@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_every_installed_method_gives_a_finite_map_of_each_image(network: str, name: str, images: torch.Tensor) -> None:
    model = load_checkpoint(network)
    with torch.random.fork_rng(devices=[]):  # the noise draws from the global stream
        maps = resolve_method(name)(model, images, TARGETS)
    assert maps.is_floating_point()
    assert maps.ndim in (3, 4)
    assert len(maps) == 4
    assert maps.isfinite().all()
    assert not maps.requires_grad
    assert maps.flatten(1).std(1).max() > 0


def test_an_import_path_leads_to_the_object_itself() -> None:
    assert resolve_method("pytest_saliency_sanity:gradient") is gradient
    assert resolve_method("torch.nn:functional.relu") is nn.functional.relu


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("gradcm", ValueError, "unknown method 'gradcm' .did you mean 'gradcam'"),
        (
            "gradien",
            ValueError,
            r"unknown method 'gradien' \(did you mean 'gradient' or '\w+'.*\); allowed: gradcam, smooth",
        ),
        ("", ValueError, "'' is not of the form name, package.module:attribute"),
        (
            "edges",
            ValueError,
            "unknown method 'edges'.*; allowed: gradcam, smoothgrad, gradient, sobel",
        ),
        (":gradient", ValueError, "is not of the form name, package.module:attribute"),
        ("pytest_saliency_sanity:", ValueError, "is not of the form name, package.module:attribute"),
        ("a package:b", ValueError, "has ' ' in it, which no spec can have"),
        ("no_such_package:method", ImportError, "No module named 'no_such_package'"),
        ("pytest_saliency_sanity.nothing:method", ImportError, "No module named 'pytest_saliency_sanity.nothing'"),
        ("torch.nn:functional.nothing", ImportError, "'torch.nn' has no attribute 'functional.nothing'"),
        ("package.module:function:twice", ValueError, "only a library's class takes a layer"),
        ("pytest_saliency_sanity.data.mnist:nothing", ImportError, "has no attribute 'nothing'"),
        ("pytest_saliency_sanity.data.mnist:SIZE", TypeError, "names 64, which is no callable"),
    ],
)
def test_a_spec_that_leads_to_no_method_is_an_error(spec: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        resolve_method(spec)


def test_a_method_whose_package_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.methods.resolve.find_spec", lambda name: None)
    with pytest.raises(
        ImportError, match=r"guided_backprop needs captum: pip install 'pytest-saliency-sanity\[captum\]'"
    ):
        resolve_method("guided_backprop")
    assert "guided_backprop" not in installed_methods()
    assert "gradcam" in installed_methods()
