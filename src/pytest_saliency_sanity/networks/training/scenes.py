"""Scenes to learn, drawn anew every epoch; or two hundred of them to memorise with random labels."""

from __future__ import annotations

from torch import nn

from ...data.batch import Batch
from ...data.mnist import CLASSES
from ...data.scenes import SPLIT, draw_training_scenes, load_scenes
from .claims import Measured, Requirement
from .digits import HELD_OUT, LEAST_MEMORIZED, RANDOM, TRAINING, TRUE, measured_on, random_labels
from .family import Family
from .recipe import Recipe
from .training import TrainingData

AN_EPOCH, MEMORIZED, VALIDATION = 2000, 200, 400  # scenes
NEVER_LEARNED = 2**16  # stands in for the number of an epoch


def scenes_family(name: str, recipe: Recipe, networks: tuple[str, ...], least_held_out: float) -> Family:
    """Return the family of networks that learn scenes by a recipe.

    ``least_held_out``: the accuracy on held-out scenes that a network with true labels must reach.
    """
    return Family(
        name=name,
        networks=networks,
        kinds=(TRUE, RANDOM),
        classes=CLASSES,
        recipe=recipe,
        data=SPLIT,
        load=load_training_scenes,
        measure=measure_scenes,
        requirements={
            TRUE: (Requirement(HELD_OUT, least=least_held_out),),
            RANDOM: (Requirement(TRAINING, least=LEAST_MEMORIZED), Requirement(HELD_OUT, by_chance=True)),
        },
    )


def load_training_scenes(labels: str, seed: int) -> TrainingData:
    """Return scenes with their true labels, others in each epoch; or the same 200 with the random labels of ``seed``.

    These are shown ten times an epoch, so that it is as long for both kinds. What true labels are judged by are scenes
    of the same digits that no epoch shows.
    """
    if labels == RANDOM:
        data = _memorized(seed)
        assert data.targets is not None
        repeats = AN_EPOCH // MEMORIZED
        shown = Batch(data.images.repeat(repeats, 1, 1, 1), data.targets.repeat(repeats))
        return TrainingData(learned=shown, judged_by=data, called="the labels", classes=CLASSES)

    def draw(epoch: int) -> Batch:
        return draw_training_scenes(AN_EPOCH, (seed, epoch)).batch

    return TrainingData(
        learned=draw(0), judged_by=_unseen(seed), called="scenes that are not shown", classes=CLASSES, drawn=draw
    )


def measure_scenes(model: nn.Module, labels: str, seed: int) -> Measured:
    """Return what a network reaches on scenes of the digits that it learned, and on those of others."""
    return measured_on(model, _memorized(seed) if labels == RANDOM else _unseen(seed), load_scenes().batch)


def _memorized(seed: int) -> Batch:
    scenes = draw_training_scenes(MEMORIZED, (seed, NEVER_LEARNED)).batch
    assert scenes.targets is not None
    return Batch(scenes.images, random_labels(scenes.targets, seed))


def _unseen(seed: int) -> Batch:
    return draw_training_scenes(VALIDATION, (seed, NEVER_LEARNED)).batch
