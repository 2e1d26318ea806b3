"""The gradient and SmoothGrad: against a literal version of the paper's formulas, and against captum."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from captum.attr import Saliency
from torch import nn

import pytest_saliency_sanity.models.inference as inference
from pytest_saliency_sanity import build_model, gradient, load_batch, load_checkpoint, smoothgrad

Method = Callable[..., torch.Tensor]
METHODS = pytest.mark.parametrize("method", [gradient, smoothgrad])


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def images() -> torch.Tensor:
    return load_batch("mnist", 4).images


TARGETS = torch.tensor([0, 1, 2, 7])


def literal_smoothgrad(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n: int, sigma: float, seed: int
) -> torch.Tensor:
    """Section 3.2, image by image and sample by sample: the mean over n of dS_c/dx at x + N(0, sigma^2)."""
    noise = torch.randn(n, 1, *images.shape[1:], generator=torch.Generator().manual_seed(seed))
    maps = []
    for image, target in zip(images, targets, strict=True):
        total = torch.zeros_like(image)
        for sample in range(n):
            noisy = (image + noise[sample, 0] * sigma * (image.max() - image.min())).requires_grad_()
            score = model(noisy[None])[0, target]
            total += torch.autograd.grad(score, noisy)[0]
        maps.append(total / n)
    return torch.stack(maps)


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-4)


def test_smoothgrad_is_the_papers_formula(model: nn.Module, images: torch.Tensor) -> None:
    expected = literal_smoothgrad(model, images, TARGETS, n=5, sigma=0.15, seed=3)
    assert_same(smoothgrad(model, images, TARGETS, n_samples=5, noise_level=0.15, seed=3), expected)


def test_smoothgrad_has_the_papers_parameters_by_default(model: nn.Module, images: torch.Tensor) -> None:
    expected = literal_smoothgrad(model, images, TARGETS, n=20, sigma=0.2, seed=0)
    assert_same(smoothgrad(model, images, TARGETS), expected)


def test_the_gradient_is_captums_saliency(model: nn.Module, images: torch.Tensor) -> None:
    expected = Saliency(model).attribute(images.clone().requires_grad_(), target=TARGETS, abs=False)
    assert_same(gradient(model, images, TARGETS), expected.detach())


def test_the_gradient_is_smoothgrad_of_one_sample_without_noise(model: nn.Module, images: torch.Tensor) -> None:
    assert_same(gradient(model, images, TARGETS), smoothgrad(model, images, TARGETS, n_samples=1, noise_level=0))


def test_the_seed_decides_the_noise(model: nn.Module, images: torch.Tensor) -> None:
    first, again, other = (smoothgrad(model, images, TARGETS, n_samples=3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@METHODS
def test_an_image_has_the_same_map_alone_as_in_a_batch(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    together = method(model, images, TARGETS)
    alone = torch.cat([method(model, images[i : i + 1], TARGETS[i : i + 1]) for i in range(len(images))])
    assert_same(alone, together)


@METHODS
def test_the_size_of_the_batches_does_not_matter(
    method: Method, model: nn.Module, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = method(model, images, TARGETS)
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", 3 * images[0].numel())
    rows: list[int] = []
    handle = model.register_forward_hook(lambda module, args, output: rows.append(len(output)))
    in_small_batches = method(model, images, TARGETS)
    handle.remove()
    assert max(rows) <= 3
    assert_same(in_small_batches, at_once)


@METHODS
def test_training_mode_changes_nothing_and_is_put_back(method: Method, images: torch.Tensor) -> None:
    model = load_checkpoint("alexnet")
    expected = method(model, images, TARGETS)
    model.train()
    model.get_submodule("classifier.0").eval()
    modes = [module.training for module in model.modules()]
    assert_same(method(model, images, TARGETS), expected)
    assert [module.training for module in model.modules()] == modes


@METHODS
def test_modes_are_put_back_after_an_error(method: Method, images: torch.Tensor) -> None:
    model = load_checkpoint("alexnet").train()
    with pytest.raises(ValueError, match="targets must be classes 0 to 9"):
        method(model, images, torch.tensor([0, 1, 2, 10]))
    assert all(module.training for module in model.modules())


@METHODS
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_the_caller_turned_gradients_off(
    method: Method, mode: Callable[[], torch.no_grad], model: nn.Module, images: torch.Tensor
) -> None:
    expected = method(model, images, TARGETS)
    with mode():
        assert_same(method(model, images.clone(), TARGETS), expected)


@METHODS
def test_frozen_parameters_do_not_matter(method: Method, images: torch.Tensor) -> None:
    model = load_checkpoint("alexnet")
    expected = method(model, images, TARGETS)
    assert_same(method(model.requires_grad_(False), images, TARGETS), expected)


@METHODS
def test_everything_is_left_as_found(method: Method, images: torch.Tensor) -> None:
    model = build_model("vgg11", width=0.05).train()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before, random = images.clone(), torch.get_rng_state()
    maps = method(model, images, TARGETS)
    assert not maps.requires_grad
    assert torch.equal(images, before)
    assert not images.requires_grad
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


class Doubled(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images.flatten(1), images.flatten(1)


@METHODS
def test_a_model_that_gives_no_logits_is_an_error(method: Method, images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match=r"the model must return logits \(N, classes\), not tuple; wrap it"):
        method(Doubled(), images, TARGETS)
    with pytest.raises(ValueError, match=r"the model must return logits \(\d+, classes\), not \(\d+, 3, 64, 64\)"):
        method(nn.Identity(), images, TARGETS)


@METHODS
def test_targets_of_another_kind_are_an_error(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match="integer class indices"):
        method(model, images, TARGETS.float())
    with pytest.raises(ValueError, match=r"one class an image, shape \(4,\); got \(2,\)"):
        method(model, images, TARGETS[:2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1, not 0"),
        ({"noise_level": -0.1}, "noise_level must be 0 or more, not -0.1"),
        ({"noise_level": float("nan")}, "noise_level must be 0 or more, not nan"),
    ],
)
def test_impossible_parameters_are_an_error(
    arguments: dict[str, float], message: str, model: nn.Module, images: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match=message):
        smoothgrad(model, images, TARGETS, **arguments)  # type: ignore[arg-type]
