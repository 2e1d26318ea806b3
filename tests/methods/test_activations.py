"""The activations of a layer: which layer, what directly follows it, and that nothing of the recording is left."""

from __future__ import annotations

import pytest
import torch
from support.images import noise
from support.networks import small
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity.methods.activations import (
    FOLLOWED,
    LayerActivations,
    last_convolution,
    name_of,
    named_layer,
)

IMAGES = noise(2, 1, 10, 10)


def test_a_layer_is_found_by_its_name() -> None:
    model = nn.ModuleDict({"inner": small()})
    assert named_layer(model, "inner") is model["inner"]
    assert named_layer(model, "inner.2") is model.get_submodule("inner.2")


@pytest.mark.parametrize(("name", "near"), [("innr", "'inner'"), ("inner.22", "'inner.2'"), ("", "allowed: inner")])
def test_an_unknown_layer_is_an_error_with_near_matches_and_the_model_itself_is_no_layer(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"unknown layer '{name}'.*{near}"):
        named_layer(nn.ModuleDict({"inner": small()}), name)


def test_the_last_convolution_is_the_last_to_run_with_more_than_one_position() -> None:
    squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(5, 5, 1), nn.Flatten())
    model = nn.Sequential(small()[:3], squeeze)
    assert last_convolution(model, IMAGES[:1]) is model.get_submodule("0.2")
    upwards = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ConvTranspose2d(2, 2, 3))
    assert last_convolution(upwards, IMAGES[:1]) is upwards[1]


def test_a_model_without_such_a_convolution_is_an_error() -> None:
    with pytest.raises(ValueError, match="Sequential has no convolution with more than one position: name a layer"):
        last_convolution(nn.Sequential(nn.Conv2d(1, 2, 10), nn.Flatten()), IMAGES[:1])


def test_without_following_values_are_those_that_come_out_also_before_a_change_in_place() -> None:
    convolution = nn.Conv2d(1, 3, 3)
    model = nn.Sequential(convolution, nn.ReLU(inplace=True))
    with LayerActivations(convolution, follow=False) as recorded:
        model(IMAGES)
    assert torch.equal(recorded.values, convolution(IMAGES).detach())
    assert recorded.values.min() < 0


@pytest.mark.parametrize(
    "activate",
    [F.relu, lambda values: F.relu(values, inplace=True), torch.Tensor.relu_, F.gelu, F.silu, nn.LeakyReLU(0.2)],
    ids=["function", "in place", "method", "gelu", "silu", "module"],
)
def test_with_following_values_are_those_after_the_activation_function(activate: nn.Module) -> None:
    convolution = nn.Conv2d(1, 3, 3)
    with LayerActivations(convolution, follow=True) as recorded:
        activate(convolution(IMAGES)).mean()
    torch.testing.assert_close(recorded.values, activate(convolution(IMAGES)).detach())


def test_gradients_are_those_of_the_score_by_the_values() -> None:
    convolution, weight = nn.Conv2d(1, 3, 3), noise(2, 3, 8, 8, seed=3)
    with LayerActivations(convolution, follow=True) as recorded:
        score = (F.relu(convolution(IMAGES)) * weight).sum()
    torch.testing.assert_close(recorded.gradients(score), weight, atol=0, rtol=0)


def test_what_does_not_directly_follow_is_not_taken_over() -> None:
    convolution = nn.Conv2d(1, 3, 3)
    with LayerActivations(convolution, follow=True) as recorded:
        values = convolution(IMAGES)
        F.relu(values + 1)  # of something else
        values += 1
        F.relu(values)  # of the same tensor, with something added in place
    torch.testing.assert_close(recorded.values, convolution(IMAGES).detach())


def test_what_lies_below_the_layer_is_cut_off_so_no_gradient_is_computed_there() -> None:
    model = small()
    with LayerActivations(model[2], follow=False) as recorded:
        score = model(IMAGES).sum()
    recorded.gradients(score)
    score = model[:3](IMAGES).sum()
    assert score.requires_grad, "outside of the recording the layer hands gradients on"


def test_its_hook_is_gone_afterwards_also_if_the_model_raised() -> None:
    model = small()
    with pytest.raises(RuntimeError), LayerActivations(model[2], follow=True):
        model(noise(1, 1, 4, 4))
    assert not model[2]._forward_hooks


def test_a_layer_that_is_not_reached_has_no_values() -> None:
    model = small()
    with LayerActivations(nn.Conv2d(1, 1, 1), follow=True) as recorded:
        model(IMAGES)
    with pytest.raises(ValueError, match="is never executed: name another"):
        _ = recorded.values


@pytest.mark.parametrize("layer", [5, 4])
def test_a_layer_without_positions_is_an_error(layer: int) -> None:
    model = small()
    told = r"a layer for Grad-CAM must have the output \(N, K, h, w\); .* returns \(2, "
    with pytest.raises(ValueError, match=told), LayerActivations(model[layer], follow=True):
        model(IMAGES)


def test_functions_have_one_name_in_place_or_not() -> None:
    assert {name_of(function) for function in (F.relu, torch.relu, torch.relu_, torch.Tensor.relu_)} == {"relu"}
    assert "relu" in FOLLOWED
    assert not {"sigmoid", "tanh", "softplus"} & FOLLOWED
