"""Scenes: what is in the quarters, where it is said to be, and that nothing leaks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.data.mnist import digits_by_class
from pytest_saliency_sanity.data.scenes import (
    HELD_OUT,
    MOST_SCENES,
    TRAINING,
    Scenes,
    draw_training_scenes,
    first_scenes,
    load_scenes,
    shuffled,
)

COUNT = 60


def made(which: str) -> tuple[Scenes, slice]:
    return (load_scenes(COUNT), HELD_OUT) if which == "held out" else (draw_training_scenes(COUNT, 3), TRAINING)


def grey(scenes: Scenes) -> np.ndarray:
    """One channel, back in 0 to 255."""
    pixels: np.ndarray = ((scenes.batch.images[:, 0] * 0.3081 + 0.1307) * 255).round().to(torch.uint8).numpy()
    return pixels


def filled_by(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns of a mask that is a rectangle."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@pytest.mark.parametrize("which", ["held out", "training"])
def test_the_object_is_a_digit_of_its_class_and_split(which: str) -> None:
    scenes, split = made(which)
    assert scenes.batch.targets is not None
    for pixels, mask, label in zip(grey(scenes), scenes.objects.numpy(), scenes.batch.targets, strict=True):
        place = filled_by(mask)
        assert mask.sum() == 28 * 28
        assert any((pixels[place] == digit).all() for digit in digits_by_class()[label, split])


@pytest.mark.parametrize("which", ["held out", "training"])
def test_the_clutter_is_digits_of_the_split_in_shuffled_blocks(which: str) -> None:
    scenes, split = made(which)
    known = {as_blocks(digit) for digit in digits_by_class()[:, split].reshape(-1, 28, 28)}
    for pixels, mask in zip(grey(scenes)[:10], scenes.clutter.numpy(), strict=False):
        found = []
        for top in (0, 32):
            for left in (0, 32):
                quarter = slice(top, top + 32), slice(left, left + 32)
                if mask[quarter].any():
                    place = filled_by(mask[quarter])
                    found.append(as_blocks(pixels[quarter][place]))
        assert len(found) == 3
        assert set(found) <= known


def as_blocks(tile: np.ndarray) -> frozenset[tuple[bytes, int]]:
    """The 4 x 4 blocks of a tile and how often each occurs, in no order."""
    blocks = [
        tile[row : row + 4, column : column + 4].tobytes() for row in range(0, 28, 4) for column in range(0, 28, 4)
    ]
    return frozenset(Counter(blocks).items())


def test_outside_of_object_and_clutter_all_is_black() -> None:
    scenes = load_scenes(COUNT)
    assert not (scenes.objects & scenes.clutter).any()
    assert not grey(scenes)[~(scenes.objects | scenes.clutter).numpy()].any()
    assert (scenes.clutter.sum((1, 2)) == 3 * 28 * 28).all()


def test_classes_come_in_turn_and_places_are_drawn() -> None:
    scenes = load_scenes()
    assert scenes.batch.targets is not None
    assert scenes.batch.targets.tolist() == [row % 10 for row in range(MOST_SCENES)]
    quarters = Counter((bool(mask[:32].sum() > 392), bool(mask[:, :32].sum() > 392)) for mask in scenes.objects)
    # 1000 draws of four equally likely quarters: four standard deviations are 55.
    assert all(195 <= count <= 305 for count in quarters.values())
    assert len({mask.numpy().tobytes() for mask in scenes.objects}) > 90  # of 4 x 25 places


def test_shuffling_keeps_blocks_and_changes_their_order() -> None:
    tiles = np.arange(2 * 28 * 28).reshape(2, 28, 28)
    mixed = shuffled(tiles, np.random.default_rng(0))
    for before, after in zip(tiles, mixed, strict=True):
        assert as_blocks(before) == as_blocks(after)
        assert (before != after).mean() > 0.9
    assert (mixed[0] != mixed[1] - 28 * 28).any()  # each has an order of its own


def test_seeds_draw_the_same_again_and_others_draw_otherwise() -> None:
    first, again, other = (draw_training_scenes(20, seed) for seed in ((1, 0), (1, 0), (1, 1)))
    assert torch.equal(first.batch.images, again.batch.images)
    assert not torch.equal(first.batch.images, other.batch.images)


def test_what_is_returned_is_the_callers_own() -> None:
    load_scenes(4).batch.images.zero_()
    assert load_scenes(4).batch.images.any()
    assert torch.equal(load_scenes(30).first(4).batch.images, load_scenes(4).batch.images)


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_more_scenes_than_there_are_is_an_error(n: int) -> None:
    with pytest.raises(ValueError, match="there are 1 to 1000 held-out scenes, not"):
        load_scenes(n)


def test_a_batch_of_scenes_is_explained_for_what_is_predicted() -> None:
    assert first_scenes(12).targets is None
    assert len(first_scenes(2000, at_most=True)) == 1000
    with pytest.raises(ValueError, match="1 to 1000"):
        first_scenes(2000)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"batch": Batch(torch.zeros(2, 1, 4, 4))}, "scenes need the class of each object"),
        ({"objects": torch.zeros(2, 4, 4)}, "masks must be bool"),
        ({"objects": torch.zeros(2, 4, 4, dtype=torch.bool)}, "2 of 2 masks are empty"),
        ({"clutter": torch.ones(1, 4, 4, dtype=torch.bool)}, "masks must be one per image"),
        ({"clutter": torch.eye(4, dtype=torch.bool).repeat(2, 1, 1)}, "an object and its clutter share pixels"),
    ],
)
def test_scenes_that_do_not_fit_together_are_an_error(changes: dict[str, Any], told: str) -> None:
    upper = torch.arange(4)[:, None].expand(4, 4) < 2
    batch = Batch(torch.zeros(2, 1, 4, 4), torch.tensor([0, 1]))
    right: dict[str, Any] = {"batch": batch, "objects": upper.repeat(2, 1, 1), "clutter": ~upper.repeat(2, 1, 1)}
    assert len(Scenes(**right)) == 2
    with pytest.raises((TypeError, ValueError), match=told):
        Scenes(**right | changes)
