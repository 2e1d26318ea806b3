"""Cascades: which weights change at which stage, from one random stream, and what is left as it was found."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from support.architectures import SIZE, networks
from support.images import noise
from support.networks import seeded
from support.properties import quick
from support.traces import left_as_found, random_streams
from support.weights import Weights, equal, last_of, snapshot, weights_of
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer
from pytest_saliency_sanity.foundation.reading import LAWS
from pytest_saliency_sanity.interventions.cascade import ORDERS, noise_for

ALEXNET = tuple(f"features.{i}" for i in (0, 3, 6, 8, 10)) + tuple(f"classifier.{i}" for i in (1, 4, 6))


def changed_units(randomizer: CascadingRandomizer, model: nn.Module) -> set[str]:
    """The names of the units with a parameter that differs from the trained one."""
    before, after = dict(randomizer.model.named_parameters()), dict(model.named_parameters())
    full = {unit.name: [f"{unit.module}.{own}".lstrip(".") for own in unit.parameters] for unit in randomizer.units}
    return {unit for unit, names in full.items() if any(not torch.equal(before[n], after[n]) for n in names)}


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


def test_top_down_has_randomised_exactly_the_layers_so_far(small: nn.Module) -> None:
    randomizer = CascadingRandomizer(small, images=noise(8, 3, 16, 16))
    so_far = accumulate(({name} for name in randomizer.names()), set[str].union)
    for stage, expected in zip(randomizer, so_far, strict=True):
        assert changed_units(randomizer, stage.model) == expected


def test_bottom_up_has_randomised_exactly_the_layers_so_far(small: nn.Module) -> None:
    randomizer = CascadingRandomizer(small, order="bottom_up", images=noise(8, 3, 16, 16))
    so_far = accumulate(({name} for name in randomizer.names()), set[str].union)
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
    # A part of it is in no module with an initialiser: class token, position embedding, projections of attention.
    model = seeded(lambda: torchvision.models.VisionTransformer(32, 8, 2, 2, 64, 128, num_classes=10))
    randomizer = CascadingRandomizer(model, images=noise(2, 3, 32, 32))
    assert len(set(randomizer.names())) == len(randomizer.names())
    assert {"class_token", "encoder", "encoder.layers.encoder_layer_0.self_attention"} < set(randomizer.names())
    assert randomizer.classifier == ("heads.head",)
    (stage,) = randomizer.stages(randomizer.names("last"))
    trained = dict(model.named_parameters())
    # A number may be drawn as it was, by chance.
    changed = {name: float((new != trained[name]).double().mean()) for name, new in stage.model.named_parameters()}
    assert min(changed.values()) > 0.999
    assert stage.dead is None


def test_a_shared_parameter_stays_shared_and_is_drawn_once(small: nn.Module) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 5))
    model[3].weight = model.get_parameter("1.weight")
    randomizer = CascadingRandomizer(model, order="bottom_up", images=noise(4, 3, 2, 2))
    first, *_ = seen = [stage.model.get_parameter("1.weight").clone() for stage in randomizer]
    assert all(torch.equal(weight, first) for weight in seen)
    for stage in randomizer:
        assert stage.model.get_parameter("3.weight") is stage.model.get_parameter("1.weight")


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


def partly_frozen(model: nn.Module) -> nn.Module:
    model.train()
    model.get_submodule("1").eval()
    model.get_parameter("3.weight").requires_grad_(False)
    model.get_submodule("0").register_forward_hook(lambda *_: None)
    last = model.get_parameter("9.weight")
    last.grad = torch.ones_like(last)
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
    setattr(small.get_submodule("1"), "momentum", 0.25)  # noqa: B010 (a module is declared to hold no numbers)
    for order in ORDERS:
        for stage in CascadingRandomizer(small, order=order, images=noise(8, 3, 16, 16)):
            assert not any(module.training for module in stage.model.modules())
            assert stage.model.get_submodule("1").momentum == 0.25


@pytest.mark.parametrize("law", LAWS)
def test_the_global_random_streams_are_left_as_found(small: nn.Module, law: str) -> None:
    before = random_streams()
    run_to_the_end(iter(CascadingRandomizer(small, law=law)))
    assert random_streams() == before


@pytest.mark.parametrize("law", LAWS)
def test_the_global_random_streams_make_no_difference(small: nn.Module, law: str) -> None:
    randomizer = CascadingRandomizer(small, law=law, images=noise(8, 3, 16, 16))
    torch.manual_seed(1)
    first = last_of(randomizer)
    torch.manual_seed(2)
    assert equal(last_of(randomizer), first)


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
        model.get_parameter("4.weight").copy_(model.get_parameter("3.weight").view(16, 40))
    return model


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("order", ORDERS)
def test_layers_of_one_shape_do_not_get_the_same_numbers(law: str, order: str) -> None:
    drawn = {}
    for stage in CascadingRandomizer(twins(), law=law, order=order, images=noise(4, 1, 4, 4)):
        drawn[stage.name] = stage.model.get_parameter(f"{stage.name}.weight").detach().flatten().clone()
    for a, b in (("1", "2"), ("3", "4")):
        assert not torch.equal(drawn[a], drawn[b])
        assert abs(float(torch.corrcoef(torch.stack([drawn[a], drawn[b]]))[0, 1])) < 0.25


@pytest.mark.parametrize("law", ["normal", "reinit", "match"])
def test_layers_of_different_shapes_are_no_scaled_copies_of_each_other(law: str) -> None:
    (stage,) = CascadingRandomizer(twins(), law=law, images=noise(4, 1, 4, 4)).stages(["1"])
    starts = torch.stack([stage.model.get_parameter(f"{i}.weight").detach().flatten()[:256] for i in (1, 2, 3, 4)])
    # Independent numbers: the largest of six correlations is below 0.25 = 4 / sqrt(256).
    assert (torch.corrcoef(starts) - torch.eye(4)).abs().max() < 0.25


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


# Whatever the network: random architectures, orders, laws, seeds and subsets of stages. All is exact: the same numbers
# come from the same generator, in the same order, by the same operations.

CASCADES = st.fixed_dictionaries(
    {"order": st.sampled_from(ORDERS), "law": st.sampled_from(LAWS), "seed": st.integers(0, 2**63 - 1)}
)
few = settings(quick, max_examples=25)


@settings(few)
@given(model=networks(), how=CASCADES, data=st.data())
def test_any_stage_of_any_cascade_is_the_same_whichever_others_are_asked_for(
    model: nn.Module, how: dict[str, Any], data: st.DataObject
) -> None:
    randomizer = CascadingRandomizer(model, images=noise(4, *SIZE), **how)
    together = {stage.name: (stage.dead, weights_of(stage.model)) for stage in randomizer}
    assert tuple(together) == randomizer.names()
    asked = data.draw(st.sets(st.sampled_from(randomizer.names()), min_size=1))
    seen = []
    for stage in randomizer.stages(asked):
        dead, weights = together[stage.name]
        assert stage.dead == dead
        assert equal(weights_of(stage.model), weights)
        seen.append(stage.name)
    assert seen == [name for name in randomizer.names() if name in asked]


@settings(few)
@given(model=networks(), how=CASCADES)
def test_any_model_is_left_as_found_bit_for_bit(model: nn.Module, how: dict[str, Any]) -> None:
    images = noise(4, *SIZE)
    with left_as_found(model, images, torch.zeros(4)):
        run_to_the_end(iter(CascadingRandomizer(model, images=images, **how)))


@settings(few)
@given(model=networks(), how=CASCADES)
def test_the_same_seed_gives_any_model_the_same_weights(model: nn.Module, how: dict[str, Any]) -> None:
    first, again = (last_of(CascadingRandomizer(model, images=noise(4, *SIZE), **how)) for _ in range(2))
    assert equal(first, again)


@settings(few)
@given(model=networks(), order=st.sampled_from(["top_down", "bottom_up"]), law=st.sampled_from(LAWS))
def test_the_last_stage_of_any_cascade_has_no_parameter_as_trained(model: nn.Module, order: str, law: str) -> None:
    weights = last_of(CascadingRandomizer(model, order=order, law=law, images=noise(4, *SIZE)))
    for name, trained in model.named_parameters():
        if law == "permute":  # of two values, half of all orders are the one they had
            assert torch.equal(weights[name].flatten().sort().values, trained.flatten().sort().values)
        else:
            assert not (weights[name] == trained).any(), name


@settings(few)
@given(model=networks(), how=CASCADES)
def test_any_stage_has_randomised_what_its_order_says_and_nothing_else(model: nn.Module, how: dict[str, Any]) -> None:
    randomizer = CascadingRandomizer(model, images=noise(4, *SIZE), **how)
    names = randomizer.names()
    for reached, stage in enumerate(randomizer, 1):
        allowed = {stage.name} if how["order"] == "independent" else set(names[:reached])
        assert changed_units(randomizer, stage.model) <= allowed
