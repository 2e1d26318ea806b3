"""What every gradient-based method promises, because of how scores are taken: whatever mode, batch, model or class."""

from __future__ import annotations

import ast
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from support.images import noise
from support.maps import Method, assert_same
from support.networks import HalfwayError, lived_in_model
from support.traces import left_as_found
from torch import nn

import pytest_saliency_sanity.foundation.inference as inference
from pytest_saliency_sanity import gradient, load_checkpoint, smoothgrad

METHODS = pytest.mark.parametrize("method", [gradient, smoothgrad])
TARGETS = torch.tensor([0, 1, 2, 7])


@METHODS
def test_an_image_has_the_same_map_alone_as_in_a_batch(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    together = method(model, images, TARGETS)
    alone = torch.cat([method(model, images[i : i + 1], TARGETS[i : i + 1]) for i in range(len(images))])
    assert_same(alone, together)


def limit_rows(monkeypatch: pytest.MonkeyPatch, images: torch.Tensor, rows: int) -> None:
    monkeypatch.setattr(inference, "MAX_INPUT_VALUES", rows * images[0].numel())


@METHODS
@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_size_of_the_batches_does_not_matter(
    limit: int, method: Method, model: nn.Module, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = method(model, images, TARGETS)
    limit_rows(monkeypatch, images, limit)
    rows: list[int] = []
    handle = model.register_forward_hook(lambda module, args, output: rows.append(len(output)))
    in_small_batches = method(model, images, TARGETS)
    handle.remove()
    assert max(rows) == max(1, limit)
    assert_same(in_small_batches, at_once)


@METHODS
def test_maps_do_not_depend_on_the_default_device(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    expected = method(model, images, TARGETS)
    with torch.device("meta"):  # stands for a user's torch.set_default_device("cuda")
        actual = method(model, images, TARGETS)
    assert_same(actual, expected)


@METHODS
def test_a_first_layer_in_place_changes_neither_images_nor_maps(method: Method, images: torch.Tensor) -> None:
    def network(in_place: bool) -> nn.Module:
        head = nn.Linear(3 * 64 * 64, 10)
        with torch.no_grad():
            head.weight.copy_(noise(*head.weight.shape))
        return nn.Sequential(nn.ReLU(inplace=in_place), nn.Flatten(), head)

    before = images.clone()
    assert_same(method(network(True), images, TARGETS), method(network(False), images, TARGETS))
    assert torch.equal(images, before)


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
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_works_where_the_caller_turned_gradients_off(
    method: Method, mode: Callable[[], torch.no_grad], model: nn.Module, images: torch.Tensor
) -> None:
    expected = method(model, images, TARGETS)
    with mode():
        of_this_mode = images.clone()
        with left_as_found(model, of_this_mode, TARGETS):
            maps = method(model, of_this_mode, TARGETS)
    assert_same(maps, expected)


@METHODS
def test_frozen_parameters_do_not_matter(method: Method, images: torch.Tensor) -> None:
    model = load_checkpoint("alexnet")
    expected = method(model, images, TARGETS)
    assert_same(method(model.requires_grad_(False), images, TARGETS), expected)
    assert not any(parameter.requires_grad for parameter in model.parameters())


@METHODS
@pytest.mark.parametrize("breaks", ["never", "forward", "backward"])
def test_everything_is_left_as_found(breaks: str, method: Method, images: torch.Tensor) -> None:
    model = lived_in_model(breaks)
    with left_as_found(model, images, TARGETS), suppress(HalfwayError):
        method(model, images, TARGETS)
        assert breaks == "never"


@METHODS
def test_everything_is_left_as_found_after_a_wrong_target(method: Method, images: torch.Tensor) -> None:
    model, targets = lived_in_model(), TARGETS + 9
    with left_as_found(model, images, targets), pytest.raises(ValueError, match="targets must be classes"):
        method(model, images, targets)


@METHODS
def test_images_with_a_gradient_keep_it(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    expected = method(model, images, TARGETS)
    images.requires_grad_().grad = torch.ones_like(images)
    with left_as_found(model, images, TARGETS):
        maps = method(model, images, TARGETS)
    assert not maps.requires_grad
    assert_same(maps, expected)


@METHODS
@pytest.mark.parametrize("kind", [torch.uint8, torch.int32])
def test_targets_may_be_integers_of_any_size(
    kind: torch.dtype, method: Method, model: nn.Module, images: torch.Tensor
) -> None:
    assert_same(method(model, images, TARGETS.to(kind)), method(model, images, TARGETS))


class Doubled(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return images.flatten(1), images.flatten(1)


@METHODS
def test_a_model_that_gives_no_logits_is_an_error(method: Method, images: torch.Tensor) -> None:
    with pytest.raises(
        TypeError,
        match=r"the model must return logits \(N, classes\), not a tuple of .*: pytest_saliency_sanity\.Logits",
    ):
        method(Doubled(), images, TARGETS)
    with pytest.raises(ValueError, match=r"the model must return logits \(\d+, classes\), not \(\d+, 3, 64, 64\)"):
        method(nn.Identity(), images, TARGETS)


@METHODS
@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((4, 3, 64, 64), np.float32), TypeError, r"images must be a torch.Tensor \(N, C, H, W\), not ndarray"),
        (torch.zeros(3, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(3, 64, 64\)"),
        (torch.zeros(0, 3, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(0, 3, 64, 64\)"),
        (torch.zeros(4, 0, 64, 64), ValueError, r"images must have the shape \(N, C, H, W\).*got \(4, 0, 64, 64\)"),
        (torch.zeros(4, 3, 64, 64, dtype=torch.uint8), TypeError, "images must be floating point"),
    ],
    ids=["numpy", "one image", "no image", "no channel", "bytes"],
)
def test_images_of_another_kind_are_an_error(
    images: Any, error: type[Exception], message: str, method: Method, model: nn.Module
) -> None:
    with pytest.raises(error, match=message):
        method(model, images, TARGETS)


@METHODS
@pytest.mark.parametrize("targets", [[0, 1, 2, 10], [-1, 1, 2, 7]])
def test_a_target_that_is_no_class_is_an_error(
    targets: list[int], method: Method, model: nn.Module, images: torch.Tensor
) -> None:
    with pytest.raises(ValueError, match="targets must be classes 0 to 9 of the model; got") as caught:
        method(model, images, torch.tensor(targets))
    shown = ast.literal_eval(str(caught.value).rpartition("got ")[2])
    assert set(shown) & {10, -1}
    assert len(shown) <= len(targets), "shows more targets than were given"


@METHODS
def test_targets_of_another_kind_are_an_error(method: Method, model: nn.Module, images: torch.Tensor) -> None:
    with pytest.raises(TypeError, match="integer class indices"):
        method(model, images, TARGETS.float())
    with pytest.raises(ValueError, match=r"one class per image, shape \(4,\); got \(2,\)"):
        method(model, images, TARGETS[:2])
