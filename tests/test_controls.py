"""The controls, Guided Backprop through captum, and how a method is found by its name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from pytest_saliency_sanity import gradient, load_batch, load_checkpoint, resolve_method
from pytest_saliency_sanity.methods.resolve import BUILT_IN, installed_methods

TARGETS = torch.arange(4)


@pytest.fixture
def model() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def images() -> torch.Tensor:
    return load_batch("mnist", 4).images


def test_sobel_is_scipys(model: nn.Module, images: torch.Tensor) -> None:
    grey = images.mean(1).double().numpy()
    expected = [sum(ndimage.sobel(each, axis, mode="nearest") ** 2 for axis in (0, 1)) ** 0.5 for each in grey]
    actual = resolve_method("sobel")(model, images, TARGETS)
    torch.testing.assert_close(actual.double(), torch.from_numpy(np.stack(expected)), atol=1e-4, rtol=1e-4)


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


def test_guided_backprop_is_its_definition(model: nn.Module, images: torch.Tensor) -> None:
    actual = resolve_method("guided_backprop")(model, images, TARGETS)
    expected = literal_guided_backprop(load_checkpoint("alexnet"), images, TARGETS)
    torch.testing.assert_close(actual, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)
    assert not torch.allclose(actual, gradient(model, images, TARGETS))


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_method_gives_maps(name: str, model: nn.Module, images: torch.Tensor) -> None:
    assert name in installed_methods()
    maps = resolve_method(name)(model, images, TARGETS)
    assert maps.is_floating_point()
    assert maps.ndim in (3, 4)
    assert len(maps) == 4


def test_an_import_path_leads_to_the_object_itself() -> None:
    assert resolve_method("pytest_saliency_sanity:gradient") is gradient


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        ("gradcm", ValueError, "unknown method 'gradcm' .did you mean 'gradcam'"),
        ("", ValueError, "unknown method ''"),
        (":gradient", ValueError, "has the form 'package.module:function'"),
        ("pytest_saliency_sanity:", ValueError, "has the form 'package.module:function'"),
        ("a package:b", ValueError, "has the form 'package.module:function'"),
        ("no_such_package:method", ImportError, "No module named 'no_such_package'"),
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
