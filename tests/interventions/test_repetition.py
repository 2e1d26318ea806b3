"""The same model once more."""

from __future__ import annotations

from support.images import noise
from support.networks import is_copy, small

from pytest_saliency_sanity.interventions.repetition import Repetition


def test_its_stage_is_a_copy_of_the_model_whatever_the_seed() -> None:
    model = small()
    repetition = Repetition(model)
    (stage,) = repetition.bind(noise(2, 1, 10, 10), 5)
    assert (stage.name, stage.dead, stage.shift) == ("again", None, 0.0)
    assert is_copy(stage.model, model)
    assert repetition.bind(noise(2, 1, 10, 10), 6) is repetition


def test_a_method_that_draws_is_to_draw_again_and_anew() -> None:
    repetition = Repetition(small())
    assert repetition.repeats
    assert not repetition.same_noise
