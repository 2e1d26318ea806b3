"""The recipe of the paper's networks."""

from __future__ import annotations

from pytest_saliency_sanity.networks.presets.paper.recipes import AS_PUBLISHED, FAMILY, RECIPE


def test_the_recipe_is_the_papers_but_for_one_thing() -> None:
    published = vars(AS_PUBLISHED)
    assert {name for name, value in vars(RECIPE).items() if value != published[name]} == {"initialization"}
    assert (RECIPE.width, RECIPE.optimizer, RECIPE.learning_rate, RECIPE.momentum) == (1.0, "sgd", 0.001, 0.9)
    assert (RECIPE.batch_size, RECIPE.target, FAMILY.seed) == (16, 0.95, 1)
    assert FAMILY.recipe is RECIPE
