"""The laws that new weights are drawn from: their moments and shapes, one by one."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kstest
from support.images import noise
from support.weights import equal, last_of
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer


def linear(law: str, std: float = 0.01) -> tuple[nn.Linear, nn.Linear]:
    """A large linear layer with an odd distribution, and the same randomised."""
    layer = nn.Linear(192, 200)
    with torch.no_grad():
        layer.weight.copy_(3 + 0.2 * noise(200, 192).abs())
        layer.bias.copy_(-1 + 0.1 * noise(200))
    model = nn.Sequential(nn.Flatten(), layer)
    (stage,) = CascadingRandomizer(model, law=law, std=std, images=noise(4, 3, 8, 8))
    randomized = stage.model.get_submodule("1")
    assert isinstance(randomized, nn.Linear)
    return layer, randomized


@pytest.mark.parametrize("std", [0.01, 0.5])
def test_normal_draws_around_zero_with_the_given_std(std: float) -> None:
    _, new = linear("normal", std)
    for values in (new.weight.detach(), new.bias.detach()):
        count = values.numel()
        assert abs(float(values.mean())) < 4 * std / count**0.5
        assert float(values.std()) == pytest.approx(std, rel=4 / (2 * count) ** 0.5)
    assert kstest(new.weight.detach().flatten().numpy() / std, "norm").pvalue > 0.001


def test_the_papers_law_is_the_default(alexnet: nn.Module) -> None:
    weights = last_of(CascadingRandomizer(alexnet))
    everything = torch.cat([tensor.flatten() for tensor in weights.values()])
    assert float(everything.std()) == pytest.approx(0.01, rel=0.01)
    assert equal(weights, last_of(CascadingRandomizer(alexnet, order="top_down", law="normal", std=0.01, seed=0)))


def test_match_draws_with_each_tensors_own_mean_and_std() -> None:
    old, new = linear("match")
    for before, after in ((old.weight.detach(), new.weight.detach()), (old.bias.detach(), new.bias.detach())):
        count, std = before.numel(), float(before.std())
        assert float(after.mean()) == pytest.approx(float(before.mean()), abs=4 * std / count**0.5)
        assert float(after.std()) == pytest.approx(std, rel=4 / (2 * count) ** 0.5)
        assert abs(float(torch.corrcoef(torch.stack([before.flatten(), after.flatten()]))[0, 1])) < 4 / count**0.5


def test_match_of_a_single_value_keeps_it() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 1), nn.PReLU(), nn.Linear(1, 5))
    assert torch.equal(
        last_of(CascadingRandomizer(model, law="match", images=noise(4, 3, 2, 2)))["2.weight"],
        model.get_parameter("2.weight"),
    )


def test_permute_keeps_the_values_and_changes_their_places() -> None:
    old, new = linear("permute")
    for before, after in ((old.weight.detach(), new.weight.detach()), (old.bias.detach(), new.bias.detach())):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
        assert (before == after).double().mean() < 0.05


@pytest.mark.parametrize(
    ("layer", "fan_in"), [(nn.Linear(192, 200), 192), (nn.Conv2d(3, 200, 8), 192), (nn.Conv2d(3, 30, 3), 27)]
)
def test_reinit_draws_as_the_layers_own_initialiser(layer: nn.Linear | nn.Conv2d, fan_in: int) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(9.0)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if isinstance(layer, nn.Conv2d) else []
    model = nn.Sequential(*([] if head else [nn.Flatten()]), layer, *head)
    (stage,) = CascadingRandomizer(model, law="reinit", images=noise(4, 3, 8, 8))
    weight, bias = stage.model.parameters()
    # kaiming_uniform with a = sqrt(5): uniform within 1 / sqrt(fan in), the bias as well.
    bound = fan_in**-0.5
    for values in (weight.detach().flatten(), bias.detach()):
        assert 0.9 * bound < float(values.abs().max()) <= bound
        assert kstest(values.numpy(), "uniform", args=(-bound, 2 * bound)).pvalue > 0.001


def test_reinit_of_a_parameter_without_an_initialiser_matches_its_moments() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(5 + 0.1 * noise(10_000))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.flatten(1) + self.shift

    model = Shifted()
    (stage,) = CascadingRandomizer(model, law="reinit", images=noise(2, 1, 100, 100))
    new = stage.model.get_parameter("shift").detach()
    assert not torch.equal(new, model.shift)
    assert float(new.mean()) == pytest.approx(5, abs=0.004)
    assert float(new.std()) == pytest.approx(0.1, rel=0.05)


def test_reinit_reaches_the_projections_of_attention() -> None:
    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(16, 2, batch_first=True)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tokens = images[:, 0]
            mixed: torch.Tensor = self.attention(tokens, tokens, tokens)[0]
            return mixed.mean(1)

    torch.manual_seed(0)
    model = Attending()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(5.0)
    weights = last_of(CascadingRandomizer(model, law="reinit", images=noise(2, 1, 16, 16)))
    # xavier_uniform: within sqrt(6 / (fan in + fan out)).
    bound = (6 / (16 + 48)) ** 0.5
    assert 0.9 * bound < float(weights["attention.in_proj_weight"].abs().max()) <= bound
    assert not weights["attention.in_proj_bias"].any()
    assert float(weights["attention.out_proj.weight"].abs().max()) <= 16**-0.5


def test_weights_of_another_type_stay_of_that_type(small: nn.Module) -> None:
    stage = next(iter(CascadingRandomizer(small.double(), images=noise(8, 3, 16, 16).double())))
    assert {parameter.dtype for parameter in stage.model.parameters()} == {torch.float64}


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3000), nn.GroupNorm(3, 3000), nn.LayerNorm([3000, 1, 1])])
def test_scales_of_normalisations_are_drawn_around_one_and_shifts_around_zero(layer: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 3000, 2, stride=2), layer, nn.Flatten(), nn.Linear(3000, 5))
    weights = last_of(CascadingRandomizer(model, images=noise(4, 3, 2, 2)))
    for name, centre in (("1.weight", 1.0), ("1.bias", 0.0)):
        assert float(weights[name].mean()) == pytest.approx(centre, abs=4 * 0.01 / 3000**0.5)
        assert float(weights[name].std()) == pytest.approx(0.01, rel=4 / 6000**0.5)
