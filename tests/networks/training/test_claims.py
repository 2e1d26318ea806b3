"""Claims about networks: as JSON and back, and what is said if they do not hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.trainings import NARROW

from pytest_saliency_sanity.networks.presets.embedded.bias import BIAS
from pytest_saliency_sanity.networks.presets.embedded.bias import shipped_bias as bias
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS
from pytest_saliency_sanity.networks.presets.embedded.digits import shipped_digits as digits
from pytest_saliency_sanity.networks.presets.paper.recipes import FAMILY
from pytest_saliency_sanity.networks.training.claims import Claims, Measured, TrainedOn
from pytest_saliency_sanity.networks.training.family import Family
from pytest_saliency_sanity.networks.training.recipe import Recipe
from pytest_saliency_sanity.networks.training.training import Epoch

FULL = Claims(
    network="alexnet",
    labels="random",
    classes=10,
    seed=1,
    recipe=NARROW.recipe,
    data="some digits",
    epochs=2,
    measured=Measured(12, {"training": 1.0, "held-out": 0.1}, (0.05, 0.2)),
    versions={"python": "3.13"},
    history=(Epoch(2.5, 0.1, 0.2), Epoch(1.5, 0.5, 1.0)),
    trained_on=TrainedOn("cpu", 1, 3),
)
PLAIN = replace(FULL, measured=Measured(12, {"validation": 0.9}), recipe=BIAS.recipe, history=(), trained_on=None)


@pytest.mark.parametrize("claims", [FULL, PLAIN, replace(PLAIN, recipe=DIGITS.recipe, classes=2)])
def test_claims_are_the_same_from_json_again(claims: Claims) -> None:
    written = json.dumps(claims.to_json(), allow_nan=False)
    assert Claims.from_json(json.loads(written)) == claims


@pytest.mark.parametrize("claims", [*digits().read().values(), *bias().read().values()], ids=lambda each: each.file)
def test_shipped_claims_are_written_as_they_were_read(claims: Any) -> None:
    assert Claims.from_json(json.loads(json.dumps(claims.claims.to_json()))) == claims.claims


@pytest.mark.parametrize(
    "change", [{"recipe": None}, {"recipe": {"width": 1}}, {"surprise": 1}, {"history": [1]}, {"accuracies": 3}]
)
def test_something_else_is_not_taken_for_claims(change: dict[str, Any]) -> None:
    with pytest.raises((TypeError, KeyError)):
        Claims.from_json({**FULL.to_json(), **change})


@pytest.mark.parametrize("missing", ["network", "recipe", "parameters", "seed", "versions", "accuracies"])
def test_claims_that_lack_something_are_an_error(missing: str) -> None:
    facts = FULL.to_json()
    del facts[missing]
    with pytest.raises((TypeError, KeyError)):
        Claims.from_json(facts)


def test_the_facts_of_a_recipe_leave_out_what_was_always_so() -> None:
    facts = NARROW.recipe.facts()
    assert not {"gain", "layout"} & set(facts)
    assert {"gain", "layout"} <= set(BIAS.recipe.facts())
    assert Recipe(**facts) == NARROW.recipe
    assert Recipe(**BIAS.recipe.facts()) == BIAS.recipe


# What is complained of, in each family

Changes = dict[str, float]


def told_of(family: Family, claims: Claims, accuracies: Changes, parameters: int = 0) -> list[str]:
    """What is wrong with a network that claims these accuracies, and has them, and so many parameters more."""
    measured = replace(claims.measured, accuracies={**claims.measured.accuracies, **accuracies})
    now = replace(measured, parameters=measured.parameters + parameters)
    return family.complaints(replace(claims, measured=measured), now)


@pytest.mark.parametrize(
    ("family", "name", "accuracies", "told"),
    [
        (DIGITS, "alexnet-true", {"training": 0.94}, "training accuracy is below 95%"),
        (DIGITS, "alexnet-true", {"held-out": 0.79}, "held-out accuracy is below 80%"),
        (DIGITS, "alexnet-random", {"training": 0.94}, "training accuracy is below 95%"),
        (DIGITS, "alexnet-random", {"held-out": 0.2}, "held-out accuracy is outside of chance, 0.045 to 0.194"),
        (DIGITS, "alexnet-random", {"held-out": 0.04}, "held-out accuracy is outside of chance, 0.045 to 0.194"),
        (FAMILY, "vgg11-true", {"held-out": 0.69}, "held-out accuracy is below 70%"),
        (BIAS, "alexnet-biased", {"counter-stereotypes": 0.57}, "counter-stereotypes accuracy is above 56%"),
        (BIAS, "alexnet-balanced", {"counter-stereotypes": 0.8}, "counter-stereotypes accuracy is below 81%"),
    ],
)
def test_a_network_that_is_not_what_its_kind_says_is_complained_of(
    family: Family, name: str, accuracies: Changes, told: str
) -> None:
    claims = {**digits().read(), **bias().read()}[name].claims
    (complaint,) = told_of(family, claims, accuracies)
    assert complaint.startswith(told)
    if family is BIAS:
        assert complaint.endswith(": it is not biased" if "above" in complaint else ": it is not balanced")


@pytest.mark.parametrize(
    ("family", "name", "accuracies"),
    [
        (DIGITS, "alexnet-true", {"training": 0.95, "held-out": 0.8}),
        (DIGITS, "alexnet-random", {"held-out": 0.19}),
        (FAMILY, "vgg11-true", {"held-out": 0.7}),
        (BIAS, "alexnet-biased", {"counter-stereotypes": 0.56}),
        (BIAS, "alexnet-balanced", {"counter-stereotypes": 0.81}),
    ],
)
def test_a_network_that_just_meets_the_requirements_is_not_complained_of(
    family: Family, name: str, accuracies: Changes
) -> None:
    assert told_of(family, {**digits().read(), **bias().read()}[name].claims, accuracies) == []


@pytest.mark.parametrize(("family", "name"), [(DIGITS, "vgg11-true"), (BIAS, "vgg11-biased")])
def test_claims_that_do_not_hold_are_named_with_both_values(family: Family, name: str) -> None:
    claims = {**digits().read(), **bias().read()}[name].claims
    assert told_of(family, claims, {}, parameters=-1) == [
        f"it has {claims.measured.parameters - 1} parameters, not {claims.measured.parameters} as claimed"
    ]
    first = next(iter(claims.measured.accuracies))
    value = claims.measured.accuracies[first]
    for claimed, count in ((value - 0.009, 0), (value + 0.009, 0), (value - 0.011, 1), (value + 0.011, 1)):
        wrong = replace(
            claims, measured=replace(claims.measured, accuracies={**claims.measured.accuracies, first: claimed})
        )
        told = family.complaints(wrong, claims.measured)
        assert told == [f"{first} accuracy is {value!r}, not {claimed!r} as claimed"] * count
    unknown = replace(claims, measured=replace(claims.measured, accuracies={"elsewhere": 0.5}))
    assert family.complaints(unknown, claims.measured) == ["elsewhere accuracy is None, not 0.5 as claimed"]
