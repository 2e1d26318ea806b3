"""Cascades: which weights change at which stage, from which law, and what is left as it was found."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from scipy.stats import kstest
from torch import nn

from pytest_saliency_sanity import (
    CascadingRandomizer,
    LabelRandomizer,
    build_model,
    gradient,
    load_batch,
    load_checkpoint,
)
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.interventions import cascade
from pytest_saliency_sanity.interventions.cascade import ORDERS, noise_for
from pytest_saliency_sanity.interventions.laws import LAWS
from pytest_saliency_sanity.interventions.normalization import reestimate

ALEXNET = tuple(f"features.{i}" for i in (0, 3, 6, 8, 10)) + tuple(f"classifier.{i}" for i in (1, 4, 6))
Weights = dict[str, torch.Tensor]


@pytest.fixture
def images() -> torch.Tensor:
    return load_batch("mnist", 8).images


@pytest.fixture
def alexnet() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def small() -> nn.Module:
    """A network with everything that a stage may touch: convolutions, normalisation with statistics, linear layers."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(inplace=True),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(32, 16),
        nn.LayerNorm(16),
        nn.Linear(16, 10),
    )
    return with_statistics(model, (16, 3, 16, 16))


def with_statistics(model: nn.Module, shape: tuple[int, ...]) -> nn.Module:
    """Give normalisation layers the running statistics of a trained network: those of its own weights."""
    with torch.no_grad():
        for _ in range(10):
            model.train()(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
    return model.eval()


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def weights_of(model: nn.Module) -> Weights:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(a: Weights, b: Weights) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def snapshot(model: nn.Module) -> list[Any]:
    """Everything of a model that could be left otherwise than found, but its weights."""
    return [
        [(name, module.training, *hooks_of(module)) for name, module in model.named_modules()],
        [
            (name, parameter.requires_grad, parameter.grad, id(parameter))
            for name, parameter in model.named_parameters()
        ],
    ]


def hooks_of(module: nn.Module) -> list[int]:
    return [len(hooks) for name, hooks in vars(module).items() if name.endswith("_hooks")]


def changed_units(randomizer: CascadingRandomizer, model: nn.Module) -> set[str]:
    """The names of the units with a parameter that differs from the trained one."""
    before, after = dict(randomizer.model.named_parameters()), dict(model.named_parameters())
    full = {unit.name: [f"{unit.module}.{own}".lstrip(".") for own in unit.parameters] for unit in randomizer.units}
    return {unit for unit, names in full.items() if any(not torch.equal(before[n], after[n]) for n in names)}


def last_of(randomizer: CascadingRandomizer) -> Weights:
    (stage,) = randomizer.stages(randomizer.names("last"))
    return weights_of(stage.model)


# Which stages there are


def test_top_down_goes_from_the_last_layer_to_the_first(alexnet: nn.Module) -> None:
    assert CascadingRandomizer(alexnet).names() == ALEXNET[::-1]
    assert CascadingRandomizer(alexnet).names("every") == ALEXNET[::-1]


@pytest.mark.parametrize("order", ["bottom_up", "independent"])
def test_the_other_orders_go_from_the_first_layer_to_the_last(alexnet: nn.Module, order: str) -> None:
    assert CascadingRandomizer(alexnet, order=order).names() == ALEXNET


@pytest.mark.parametrize(
    ("order", "last", "classifier"),
    [
        ("top_down", "features.0", ("classifier.1",)),
        ("bottom_up", "classifier.6", ("classifier.6",)),
        ("independent", "classifier.6", ("classifier.1", "classifier.4", "classifier.6")),
    ],
)
def test_the_last_stage_and_the_classifiers(
    alexnet: nn.Module, order: str, last: str, classifier: tuple[str, ...]
) -> None:
    randomizer = CascadingRandomizer(alexnet, order=order)
    assert randomizer.names("last") == (last,)
    assert randomizer.names("classifier") == classifier
    assert randomizer.names("features.6") == ("features.6",)
    assert randomizer.classifier == ("classifier.1", "classifier.4", "classifier.6")


@pytest.mark.parametrize("order", ORDERS)
def test_iterating_yields_the_stages_named(alexnet: nn.Module, order: str) -> None:
    randomizer = CascadingRandomizer(alexnet, order=order)
    assert tuple(stage.name for stage in randomizer) == randomizer.names()


def test_an_unknown_stage_is_an_error_with_near_matches(alexnet: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"unknown stage 'classifier\.5'.*did you mean.*'classifier\.\d'.*allowed"):
        CascadingRandomizer(alexnet).names("classifier.5")


def test_an_unknown_order_or_law_is_an_error_with_near_matches(alexnet: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"unknown order 'topdown'.*did you mean 'top_down'"):
        CascadingRandomizer(alexnet, order="topdown")
    with pytest.raises(ValueError, match=r"unknown law 'norm'.*did you mean 'normal'"):
        CascadingRandomizer(alexnet, law="norm")


@pytest.mark.parametrize("std", [0.0, -0.01, float("nan")])
def test_a_std_that_is_not_positive_is_an_error_that_shows_it(alexnet: nn.Module, std: float) -> None:
    with pytest.raises(ValueError, match=f"above 0, not {std}"):
        CascadingRandomizer(alexnet, std=std)


def test_a_model_without_parameters_is_an_error() -> None:
    with pytest.raises(ValueError, match="no parameters to randomise"):
        CascadingRandomizer(nn.Flatten(), images=noise(2, 3, 8, 8)).names()


# What changes


def test_top_down_has_randomised_exactly_the_layers_so_far(small: nn.Module) -> None:
    randomizer = CascadingRandomizer(small, images=noise(8, 3, 16, 16))
    so_far = accumulate(({name} for name in randomizer.names()), set.union)
    for stage, expected in zip(randomizer, so_far, strict=True):
        assert changed_units(randomizer, stage.model) == expected


def test_bottom_up_has_randomised_exactly_the_layers_so_far(small: nn.Module) -> None:
    randomizer = CascadingRandomizer(small, order="bottom_up", images=noise(8, 3, 16, 16))
    so_far = accumulate(({name} for name in randomizer.names()), set.union)
    for stage, expected in zip(randomizer, so_far, strict=True):
        assert changed_units(randomizer, stage.model) == expected


def test_independent_has_randomised_exactly_one_layer(small: nn.Module) -> None:
    randomizer = CascadingRandomizer(small, order="independent", images=noise(8, 3, 16, 16))
    for stage in randomizer:
        assert changed_units(randomizer, stage.model) == {stage.name}


def test_a_cascade_ends_with_all_layers_randomised_whatever_the_direction(alexnet: nn.Module) -> None:
    for order in ("top_down", "bottom_up"):
        randomizer = CascadingRandomizer(alexnet, order=order)
        (stage,) = randomizer.stages(randomizer.names("last"))
        assert changed_units(randomizer, stage.model) == set(ALEXNET)


def test_a_vision_transformer_has_no_parameter_left_as_trained() -> None:
    # 24.7 % of it are in no module with an initialiser: class token, position embedding, projections of attention.
    torch.manual_seed(0)
    model = torchvision.models.vit_b_16(weights=None)
    randomizer = CascadingRandomizer(model, images=noise(2, 3, 224, 224))
    assert len(set(randomizer.names())) == len(randomizer.names())
    assert {"class_token", "encoder", "encoder.layers.encoder_layer_0.self_attention"} < set(randomizer.names())
    assert randomizer.classifier == ("heads.head",)
    (stage,) = randomizer.stages(randomizer.names("last"))
    trained = dict(model.named_parameters())
    # Of 86 million numbers a few may be drawn as they were.
    changed = {name: float((new != trained[name]).double().mean()) for name, new in stage.model.named_parameters()}
    assert min(changed.values()) > 0.999
    assert stage.dead is None


def test_a_shared_parameter_stays_shared_and_is_drawn_once(small: nn.Module) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 5))
    model[3].weight = model[1].weight
    randomizer = CascadingRandomizer(model, order="bottom_up", images=noise(4, 3, 2, 2))
    first, *_ = seen = [stage.model[1].weight.clone() for stage in randomizer]
    assert all(torch.equal(weight, first) for weight in seen)
    for stage in randomizer:
        assert stage.model[3].weight is stage.model[1].weight


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("law", LAWS)
def test_a_stage_is_the_same_whichever_others_are_asked_for(small: nn.Module, order: str, law: str) -> None:
    randomizer = CascadingRandomizer(small, order=order, law=law, images=noise(8, 3, 16, 16))
    together = {stage.name: weights_of(stage.model) for stage in randomizer}
    for name in randomizer.names():
        (stage,) = randomizer.stages([name])
        assert stage.name == name
        assert equal(weights_of(stage.model), together[name])
    pair = randomizer.names()[3], randomizer.names()[1]
    for stage in randomizer.stages(pair):
        assert equal(weights_of(stage.model), together[stage.name])


# Nothing else changes


def partly_frozen(model: nn.Module) -> nn.Module:
    model.train()
    model[1].eval()
    model[3].weight.requires_grad_(False)
    model[0].register_forward_hook(lambda *_: None)
    model[9].weight.grad = torch.ones_like(model[9].weight)
    return model


def run_to_the_end(stages: Iterator[Any]) -> None:
    for _ in stages:
        pass


def stop_half_way(stages: Iterator[Any]) -> None:
    next(stages), next(stages)


def raise_inside(stages: Any) -> None:
    next(stages)
    with pytest.raises(KeyboardInterrupt):
        stages.throw(KeyboardInterrupt)


@pytest.mark.parametrize("use", [run_to_the_end, stop_half_way, raise_inside])
@pytest.mark.parametrize("order", ORDERS)
def test_the_users_model_is_left_as_found(small: nn.Module, order: str, use: Callable[[Any], None]) -> None:
    model = partly_frozen(small)
    weights, others = weights_of(model), snapshot(model)
    randomizer = CascadingRandomizer(model, order=order, images=noise(8, 3, 16, 16))
    use(iter(randomizer))
    assert equal(weights_of(model), weights)
    assert snapshot(model) == others


def test_stages_share_no_memory_with_the_users_model(small: nn.Module) -> None:
    theirs = {tensor.data_ptr() for tensor in small.state_dict().values()}
    stage = next(iter(CascadingRandomizer(small, images=noise(8, 3, 16, 16))))
    assert theirs.isdisjoint(tensor.data_ptr() for tensor in stage.model.state_dict().values())


def test_every_stage_is_in_evaluation_mode_and_keeps_its_momentum(small: nn.Module) -> None:
    small.train()
    small[1].momentum = 0.25
    for order in ORDERS:
        for stage in CascadingRandomizer(small, order=order, images=noise(8, 3, 16, 16)):
            assert not any(module.training for module in stage.model.modules())
            assert stage.model[1].momentum == 0.25


@pytest.mark.parametrize("law", LAWS)
def test_the_global_random_streams_are_left_as_found(small: nn.Module, law: str) -> None:
    state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    run_to_the_end(iter(CascadingRandomizer(small, law=law)))
    assert torch.equal(torch.get_rng_state(), state[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == state[1:]


@pytest.mark.parametrize("law", LAWS)
def test_the_global_random_streams_make_no_difference(small: nn.Module, law: str) -> None:
    randomizer = CascadingRandomizer(small, law=law, images=noise(8, 3, 16, 16))
    torch.manual_seed(1)
    first = last_of(randomizer)
    torch.manual_seed(2)
    assert equal(last_of(randomizer), first)


# One random stream


@pytest.mark.parametrize("law", LAWS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(small: nn.Module, law: str) -> None:
    def drawn(seed: int) -> Weights:
        return last_of(CascadingRandomizer(small, law=law, seed=seed, images=noise(8, 3, 16, 16)))

    assert equal(drawn(3), drawn(3))
    for name in ("0.weight", "3.weight", "7.weight", "9.weight"):
        assert not torch.equal(drawn(3)[name], drawn(4)[name])


def test_binding_derives_a_seed_from_both_and_keeps_the_rest(small: nn.Module) -> None:
    images = noise(8, 3, 16, 16)

    def bound(own: int, other: int) -> CascadingRandomizer:
        return CascadingRandomizer(small, order="bottom_up", law="match", std=0.5, seed=own).bind(images, other)

    randomizer = bound(0, 1)
    assert (randomizer.model, randomizer.order, randomizer.law, randomizer.std) == (small, "bottom_up", "match", 0.5)
    assert torch.equal(randomizer.images, images)
    assert equal(last_of(bound(0, 1)), last_of(bound(0, 1)))
    seeds = [bound(own, other).seed for own, other in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len(set(seeds)) == 4
    assert not torch.equal(last_of(bound(0, 1))["0.weight"], last_of(bound(0, 0))["0.weight"])


def twins() -> nn.Module:
    """Two pairs of layers of one shape, and others of another, all with the same trained numbers."""
    torch.manual_seed(0)
    first = nn.Linear(16, 16)
    model = nn.Sequential(nn.Flatten(), first, copy.deepcopy(first), nn.Linear(16, 40), nn.Linear(40, 16), nn.ReLU())
    with torch.no_grad():
        model[4].weight.copy_(model[3].weight.view(16, 40))
    return model


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("order", ORDERS)
def test_layers_of_one_shape_do_not_get_the_same_numbers(law: str, order: str) -> None:
    drawn = {}
    for stage in CascadingRandomizer(twins(), law=law, order=order, images=noise(4, 1, 4, 4)):
        drawn[stage.name] = stage.model.get_submodule(stage.name).weight.detach().flatten()
        drawn[stage.name] = drawn[stage.name].clone()
    for a, b in (("1", "2"), ("3", "4")):
        assert not torch.equal(drawn[a], drawn[b])
        assert abs(float(torch.corrcoef(torch.stack([drawn[a], drawn[b]]))[0, 1])) < 0.25


@pytest.mark.parametrize("law", ["normal", "reinit", "match"])
def test_layers_of_different_shapes_are_no_scaled_copies_of_each_other(law: str) -> None:
    (stage,) = CascadingRandomizer(twins(), law=law, images=noise(4, 1, 4, 4)).stages(["1"])
    starts = torch.stack([stage.model[i].weight.detach().flatten()[:256] for i in (1, 2, 3, 4)])
    # Independent numbers: the largest of six correlations is below 0.25 = 4 / sqrt(256).
    assert (torch.corrcoef(starts) - torch.eye(4)).abs().max() < 0.25


# The laws


def linear(law: str, std: float = 0.01) -> tuple[nn.Linear, nn.Linear]:
    """A large linear layer with an odd distribution, and the same randomised."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 200))
    with torch.no_grad():
        model[1].weight.copy_(3 + 0.2 * noise(200, 192).abs())
        model[1].bias.copy_(-1 + 0.1 * noise(200))
    (stage,) = CascadingRandomizer(model, law=law, std=std, images=noise(4, 3, 8, 8))
    return model[1], stage.model[1]


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
        last_of(CascadingRandomizer(model, law="match", images=noise(4, 3, 2, 2)))["2.weight"], model[2].weight
    )


def test_permute_keeps_the_values_and_changes_their_places() -> None:
    old, new = linear("permute")
    for before, after in ((old.weight.detach(), new.weight.detach()), (old.bias.detach(), new.bias.detach())):
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
        assert (before == after).double().mean() < 0.05


@pytest.mark.parametrize(
    ("layer", "fan_in"), [(nn.Linear(192, 200), 192), (nn.Conv2d(3, 200, 8), 192), (nn.Conv2d(3, 30, 3), 27)]
)
def test_reinit_draws_as_the_layers_own_initialiser(layer: nn.Module, fan_in: int) -> None:
    with torch.no_grad():
        layer.weight.fill_(9.0)
        layer.bias.fill_(9.0)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if isinstance(layer, nn.Conv2d) else []
    model = nn.Sequential(*([] if head else [nn.Flatten()]), layer, *head)
    (stage,) = CascadingRandomizer(model, law="reinit", images=noise(4, 3, 8, 8))
    new = next(module for module in stage.model if hasattr(module, "weight"))
    # kaiming_uniform with a = sqrt(5): uniform within 1 / sqrt(fan in), the bias as well.
    bound = fan_in**-0.5
    for values in (new.weight.detach().flatten(), new.bias.detach()):
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
    new = stage.model.shift.detach()
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


# Normalisation layers


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3000), nn.GroupNorm(3, 3000), nn.LayerNorm([3000, 1, 1])])
def test_scales_of_normalisations_are_drawn_around_one_and_shifts_around_zero(layer: nn.Module) -> None:
    model = nn.Sequential(nn.Conv2d(3, 3000, 2, stride=2), layer, nn.Flatten(), nn.Linear(3000, 5))
    weights = last_of(CascadingRandomizer(model, images=noise(4, 3, 2, 2)))
    for name, centre in (("1.weight", 1.0), ("1.bias", 0.0)):
        assert float(weights[name].mean()) == pytest.approx(centre, abs=4 * 0.01 / 3000**0.5)
        assert float(weights[name].std()) == pytest.approx(0.01, rel=4 / 6000**0.5)


def spread(model: nn.Module, images: torch.Tensor) -> float:
    """How much of the logits depends on the image."""
    logits = logits_of(model, images)
    return float((logits.amax(0) - logits.amin(0)).max() / logits.abs().max())


def resnet() -> nn.Module:
    torch.manual_seed(0)
    return with_statistics(torchvision.models.resnet18(weights=None), (16, 3, 32, 32))


@pytest.mark.parametrize(("order", "step"), [("top_down", 1), ("bottom_up", 4), ("independent", 4)])
def test_a_resnets_logits_depend_on_the_image_at_every_stage(order: str, step: int) -> None:
    images = noise(8, 3, 32, 32)
    randomizer = CascadingRandomizer(resnet(), order=order, images=images)
    for stage in randomizer.stages(randomizer.names()[::step]):
        assert stage.dead is None, stage.name
        assert spread(stage.model, images) > 0.05, stage.name


def test_an_efficientnets_logits_depend_on_the_image_at_the_last_stages() -> None:
    torch.manual_seed(0)
    images = noise(8, 3, 64, 64)
    model = with_statistics(torchvision.models.efficientnet_b0(weights=None), (16, 3, 64, 64))
    randomizer = CascadingRandomizer(model, images=images)
    for stage in randomizer.stages(randomizer.names()[-3:]):
        assert stage.dead is None, stage.name
        assert spread(stage.model, images) > 0.05, stage.name


def test_without_new_running_statistics_a_resnet_forgets_the_image(monkeypatch: pytest.MonkeyPatch) -> None:
    # So the two tests above can fail: the statistics of the trained weights let the signal fade.
    monkeypatch.setattr(cascade, "reestimate", lambda *_: None)
    images = noise(8, 3, 32, 32)
    randomizer = CascadingRandomizer(resnet(), images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert spread(stage.model, images) < 0.005


def test_running_statistics_are_those_of_the_images(small: nn.Module) -> None:
    images = noise(8, 3, 16, 16)
    (stage,) = CascadingRandomizer(small, images=images).stages(["0"])
    with torch.no_grad():
        seen = stage.model[0](images)
    torch.testing.assert_close(stage.model[1].running_mean, seen.mean((0, 2, 3)))
    torch.testing.assert_close(stage.model[1].running_var, seen.var((0, 2, 3)))


def test_running_statistics_before_the_randomised_layers_are_the_trained_ones(small: nn.Module) -> None:
    for name in ("9", "3"):
        (stage,) = CascadingRandomizer(small, images=noise(8, 3, 16, 16)).stages([name])
        assert torch.equal(stage.model[1].running_mean, small[1].running_mean)
        assert torch.equal(stage.model[1].running_var, small[1].running_var)


def test_running_statistics_of_a_normalisation_without_parameters_are_estimated_too() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, affine=False), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = with_statistics(nn.Sequential(*layers, nn.Linear(8, 5)), (16, 3, 16, 16))
    images = noise(8, 3, 16, 16)
    (stage,) = CascadingRandomizer(model, images=images).stages(["0"])
    with torch.no_grad():
        torch.testing.assert_close(stage.model[1].running_mean, stage.model[0](images).mean((0, 2, 3)))


def test_estimating_on_many_batches_averages_them() -> None:
    images = noise(90, 3, 64, 64)  # more than go through a network at a time
    model = nn.Sequential(nn.BatchNorm2d(3))
    reestimate(model, ["0"], images)
    expected = torch.stack([chunk.mean((0, 2, 3)) for chunk in images.split(85)]).mean(0)
    torch.testing.assert_close(model[0].running_mean, expected)


def test_estimating_puts_momentum_and_mode_back_when_the_model_raises(small: nn.Module) -> None:
    with pytest.raises(RuntimeError):
        reestimate(small, ["0", "1"], noise(8, 5, 16, 16))
    assert small[1].momentum == 0.1
    assert not small[1].training


# Dead networks


@pytest.mark.parametrize(
    ("std", "cause"), [(1e-30, "do not depend on the image"), (1e30, "not finite"), (float("inf"), "not finite")]
)
def test_a_dead_network_is_reported(alexnet: nn.Module, images: torch.Tensor, std: float, cause: str) -> None:
    randomizer = CascadingRandomizer(alexnet, std=std, images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert stage.dead is not None
    assert cause in stage.dead


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
@pytest.mark.parametrize("order", ["top_down", "independent"])
def test_no_stage_of_the_papers_law_is_dead_on_the_shipped_networks(
    network: str, order: str, images: torch.Tensor
) -> None:
    randomizer = CascadingRandomizer(load_checkpoint(network), order=order, images=images)
    assert {stage.name: stage.dead for stage in randomizer} == dict.fromkeys(randomizer.names())


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_a_stage_is_dead_exactly_where_no_gradient_reaches_the_image(network: str, images: torch.Tensor) -> None:
    # Bottom-up on AlexNet some are: the trained biases of its last convolution are all negative, and the weak signal of
    # random layers before it does not lift one of them above zero.
    randomizer = CascadingRandomizer(load_checkpoint(network), order="bottom_up", images=images)
    targets = torch.zeros(len(images), dtype=torch.long)
    dead = []
    for stage in randomizer:
        reaches = bool(gradient(stage.model, images, targets).any())
        assert (stage.dead is None) == reaches, stage.name
        dead += [] if reaches else [stage.name]
    assert dead == (["features.3", "features.6", "features.8"] if network == "alexnet" else [])


def test_vgg11_at_the_last_stage_is_alive_though_float32_can_hardly_tell(images: torch.Tensor) -> None:
    randomizer = CascadingRandomizer(load_checkpoint("vgg11"), images=images)
    (stage,) = randomizer.stages(randomizer.names("last"))
    assert stage.dead is None
    assert spread(stage.model, images) < 100 * torch.finfo(torch.float32).eps


def test_a_network_that_ignores_its_input_is_dead_from_the_first_stage() -> None:
    class Ignoring(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Linear(4, 5)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.logits(torch.ones(len(images), 4, dtype=self.logits.weight.dtype))
            return logits

    (stage,) = CascadingRandomizer(Ignoring(), images=noise(4, 3, 8, 8))
    assert stage.dead == "its logits do not depend on the image"


# Images of noise


def test_without_images_noise_is_drawn_that_the_model_accepts() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 10))
    images = noise_for(model)
    assert images.shape == (4, 1, 28, 28)
    assert torch.equal(images, noise_for(model))
    assert CascadingRandomizer(model).names() == ("3", "0")


def test_a_model_that_accepts_no_noise_is_an_error_that_says_what_to_give() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(7, 10))
    with pytest.raises(ValueError, match=r"Sequential accepts no images of the usual sizes.*images="):
        CascadingRandomizer(model).names()


# Random labels


def test_label_randomisation_has_one_stage_the_memorised_network(alexnet: nn.Module) -> None:
    memorized = load_checkpoint("alexnet", labels="random")
    randomizer = LabelRandomizer(alexnet, memorized)
    (stage,) = randomizer
    assert stage.name == "random_labels"
    assert stage.model is memorized
    assert stage.dead is None
    assert randomizer.bind(noise(2, 3, 64, 64), 5) is randomizer
    for at in ("every", "last", "random_labels"):
        assert randomizer.names(at) == ("random_labels",)


def test_label_randomisation_knows_no_other_stage(alexnet: nn.Module) -> None:
    randomizer = LabelRandomizer(alexnet, load_checkpoint("alexnet", labels="random"))
    with pytest.raises(ValueError, match=r"unknown stage 'random_label'.*did you mean 'random_labels'"):
        randomizer.names("random_label")
    with pytest.raises(ValueError, match="unknown stage 'classifier'"):
        randomizer.names("classifier")


@pytest.mark.parametrize("other", [lambda: load_checkpoint("vgg11"), lambda: build_model("alexnet", 0.05)])
def test_a_memorised_model_of_another_shape_is_an_error(alexnet: nn.Module, other: Callable[[], nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"another network.*trained on random labels"):
        LabelRandomizer(alexnet, other())
