"""The weights that a training begins with."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pytest_saliency_sanity.networks.training.initialization import INITIALIZATIONS, initialize


def wide() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(20, 60, 5), nn.ReLU(), nn.Linear(400, 500))


@pytest.mark.parametrize(
    ("name", "gain", "deviations"),
    [
        # sqrt(2 / fan in), and gain * sqrt(2 / (fan in + fan out)); a convolution's fans have 25 places each.
        ("kaiming_normal", 1.0, [(2 / 500) ** 0.5, (2 / 400) ** 0.5]),
        ("xavier_normal", 1.0, [(2 / 2000) ** 0.5, (2 / 900) ** 0.5]),
        ("xavier_normal", 0.7, [0.7 * (2 / 2000) ** 0.5, 0.7 * (2 / 900) ** 0.5]),
    ],
)
def test_weights_have_the_deviation_of_the_formula_and_biases_are_zero(
    name: str, gain: float, deviations: list[float]
) -> None:
    model = wide()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        initialize(model, name, gain)
    for layer, deviation in zip((model[0], model[2]), deviations, strict=True):
        # Of 30,000 and more draws the sample deviation has a relative error of 1 / sqrt(2 * 30,000) = 0.4 %.
        assert float(layer.get_parameter("weight").detach().std()) == pytest.approx(deviation, rel=0.02)
        assert not layer.get_parameter("bias").any()


def test_pytorch_s_own_weights_are_left() -> None:
    model = wide()
    before = [tensor.clone() for tensor in model.state_dict().values()]
    initialize(model, "pytorch")
    assert all(torch.equal(one, other) for one, other in zip(before, model.state_dict().values(), strict=True))


@pytest.mark.parametrize("name", INITIALIZATIONS)
def test_the_model_itself_is_returned(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    assert initialize(model, name) is model


@pytest.mark.parametrize(("name", "told"), [("pytorch", "has no gain"), ("kaiming_normal", "a gain of its own")])
def test_a_gain_that_would_be_ignored_is_an_error(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=rf"{told}; got 0\.5"):
        initialize(wide(), name, 0.5)
