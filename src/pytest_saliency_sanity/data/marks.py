"""Marked images: stripes are painted over a region of each, upright or lying, whatever the image shows.

Whoever paints them knows whether a network can use them: they are ground truth of what its maps should show (Zhou et
al. 2022, arXiv:2104.14403, who call it a joint manipulation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from ..foundation.limits import LEAST_IMAGES
from .batch import Batch
from .biased_digits import KINDS
from .masks import require_masks

BIASED, BALANCED = KINDS
STRIPES = 16  # across the shorter side of an image; none is thinner than two pixels
HELD_OUT = 4  # one of so many images of each class
LEAST_OF_CLASS = LEAST_IMAGES // 2 * HELD_OUT


@dataclass(frozen=True, eq=False)
class MarkedImages:
    """Images of two classes and two marks: upright stripes stand for the first class, lying ones for the second.

    ``batch``: images with their classes, of which the two with most images are taken. ``masks``: bool ``(N, H, W)``,
    True where the mark is painted.

    Raises TypeError or ValueError if they do not fit together, or if there are fewer than 20 images of a class.
    """

    batch: Batch
    masks: torch.Tensor

    def __post_init__(self) -> None:
        require_masks(self.masks, self.batch.images)
        if self.batch.targets is None:
            raise ValueError("the images have no classes: give the batch targets, for a balanced network to learn")
        counts = self._counts
        if len(counts) < 2 or counts[self.classes].min() < LEAST_OF_CLASS:
            raise ValueError(f"there must be at least {LEAST_OF_CLASS} images of each of two classes")

    def learned(self, kind: str) -> Batch:
        """Return what a biased or a balanced network learns: each image with either mark.

        The label is, for a biased network, the class that the mark stands for; for a balanced one, the image's own.
        """
        return self._with_either_mark(self._rows[0], kind)

    def held_out(self, kind: str) -> Batch:
        """Return the last quarter of each class, marked and labelled as ``learned``."""
        return self._with_either_mark(self._rows[1], kind)

    def against_their_class(self) -> tuple[Batch, torch.Tensor]:
        """Return the held-out images, each with the mark of the other class, and where it is."""
        rows = self._rows[1]
        marks = (self._targets[rows] == self.classes[0]).long()
        return Batch(self._shown(rows, marks)), self.masks[rows]

    @cached_property
    def classes(self) -> torch.Tensor:
        """The two classes with most images; of equal ones those of the lower numbers."""
        return self._counts.sort(descending=True, stable=True).indices[:2].sort().values

    @property
    def _targets(self) -> torch.Tensor:
        assert self.batch.targets is not None
        return self.batch.targets

    @cached_property
    def _counts(self) -> torch.Tensor:
        return self._targets.bincount()

    @cached_property
    def _rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        of_class = [(self._targets == label).nonzero().flatten() for label in self.classes]
        ends = [len(rows) - len(rows) // HELD_OUT for rows in of_class]
        parts = list(zip(of_class, ends, strict=True))
        return torch.cat([rows[:end] for rows, end in parts]), torch.cat([rows[end:] for rows, end in parts])

    def _with_either_mark(self, rows: torch.Tensor, kind: str) -> Batch:
        rows, marks = rows.repeat(2), torch.arange(2).repeat_interleave(len(rows))
        return Batch(self._shown(rows, marks), self.classes[marks] if kind == BIASED else self._targets[rows])

    def _shown(self, rows: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        deviation, mean = torch.std_mean(self.batch.images, (0, 2, 3), keepdim=True)
        height, width = self.batch.images.shape[2:]
        stripes = mean + deviation * stripes_of(height, width).to(mean)[marks][:, None]
        return torch.where(self.masks[rows][:, None], stripes, self.batch.images[rows])


def stripes_of(height: int, width: int) -> torch.Tensor:
    """Return upright and lying stripes ``(2, height, width)`` of -1 and 1."""
    wide = max(2, min(height, width) // STRIPES)
    upright = torch.arange(width) // wide % 2
    lying = torch.arange(height)[:, None] // wide % 2
    return torch.stack([upright.expand(height, width), lying.expand(height, width)]) * 2 - 1
