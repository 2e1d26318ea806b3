"""Interventions of one stage: what they can be asked, whichever stage it is."""

from __future__ import annotations

import pytest
from support.networks import small
from torch import nn

from pytest_saliency_sanity.interventions.stage import OneStage, Stage


class Only(OneStage):
    """The one stage ``only_one``."""

    stage = "only_one"

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def only(self) -> Stage:
        return Stage(self.stage, self.model)


def test_a_stage_is_alive_and_asks_for_the_same_classes_and_images_unless_it_says_otherwise() -> None:
    stage = Stage("fc", small())
    assert (stage.dead, stage.retarget, stage.shift) == (None, None, 0.0)
    with pytest.raises(AttributeError):
        stage.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("at", ["every", "last", "only_one"])
def test_the_one_stage_is_meant_by_every_name_that_means_any(at: str) -> None:
    assert Only(small()).names(at) == ("only_one",)


@pytest.mark.parametrize("at", ["classifier", "", "only"])
def test_another_stage_is_an_error_that_lists_the_one_there_is(at: str) -> None:
    with pytest.raises(ValueError, match=f"unknown stage '{at}'.*allowed: every, last, only_one"):
        Only(small()).names(at)


def test_iterating_and_asking_by_name_yield_the_stage() -> None:
    one = Only(small())
    for stages in (iter(one), one.stages(), one.stages(["only_one"])):
        assert [(stage.name, stage.model) for stage in stages] == [("only_one", one.model)]


def test_an_intervention_that_does_not_say_its_stage_has_none() -> None:
    class Nothing(OneStage):
        stage = "nothing"

    with pytest.raises(NotImplementedError):
        next(iter(Nothing()))
