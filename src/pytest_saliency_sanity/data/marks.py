"""Marked images: stripes of some direction are painted over a region of each, whatever the image shows.

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
HELD_OUT = 4  # one of so many images of each class
LEAST_OF_CLASS = LEAST_IMAGES // 2 * HELD_OUT
# Of two classes, a network tells one by the absence of the other's mark, which no map shows. The stripes of more than
# four are so much alike that a network has to look closely.
LEAST_CLASSES, MOST_CLASSES = 3, 4
# Dark and bright stripes together, in pixels and as a share of the shorter side.
NARROWEST, PERIOD = 4, 1 / 8


@dataclass(frozen=True, eq=False)
class MarkedImages:
    """Images of three or four classes, each of which has a mark of its own: stripes in another direction.

    ``batch``: images with their classes, of which those with most images are taken. ``masks``: bool ``(N, H, W)``,
    True where the mark is painted. Their place and outline must not go with the class: else they tell it.

    Raises TypeError or ValueError if they do not fit together, or if there are fewer than 20 images of three classes.
    """

    batch: Batch
    masks: torch.Tensor

    def __post_init__(self) -> None:
        require_masks(self.masks, self.batch.images)
        if self.batch.targets is None:
            raise ValueError("the images have no classes: give the batch targets, for a balanced network to learn")
        if self.batch.targets.min() < 0:
            raise ValueError(f"classes must be 0 or more; there is {int(self.batch.targets.min())}")
        if len(self.classes) < LEAST_CLASSES:
            raise ValueError(
                f"there must be at least {LEAST_OF_CLASS} images of each of {LEAST_CLASSES} classes; there are so many "
                f"of {len(self.classes)}"
            )

    def learned(self, kind: str) -> Batch:
        """Return what a biased or a balanced network learns: each image with every mark.

        The label is, for a biased network, the class that the mark stands for; for a balanced one, the image's own.
        """
        return self._with_every_mark(self._rows[0], kind)

    def held_out(self, kind: str) -> Batch:
        """Return the last quarter of each class, marked and labelled as ``learned``, the classes in turn."""
        return self._with_every_mark(self._rows[1], kind)

    def against_their_class(self) -> tuple[Batch, torch.Tensor]:
        """Return the held-out images, the classes in turn, each with the mark of the next class, and where it is."""
        rows = self._rows[1]
        own = (self._targets[rows][:, None] == self.classes).long().argmax(1)
        return Batch(self._shown(rows, (own + 1) % len(self.classes))), self.masks[rows]

    @cached_property
    def classes(self) -> torch.Tensor:
        """The classes with most images, if these are enough; of equal ones those of the lower numbers."""
        counts, classes = self._targets.bincount().sort(descending=True, stable=True)
        return classes[counts >= LEAST_OF_CLASS][:MOST_CLASSES].sort().values

    @property
    def _targets(self) -> torch.Tensor:
        assert self.batch.targets is not None
        return self.batch.targets.long()

    @cached_property
    def _rows(self) -> tuple[torch.Tensor, torch.Tensor]:
        of_class = [(self._targets == label).nonzero().flatten() for label in self.classes]
        ends = [len(rows) - len(rows) // HELD_OUT for rows in of_class]
        parts = list(zip(of_class, ends, strict=True))
        return in_turn([rows[:end] for rows, end in parts]), in_turn([rows[end:] for rows, end in parts])

    def _with_every_mark(self, rows: torch.Tensor, kind: str) -> Batch:
        count = len(self.classes)
        rows, marks = rows.repeat(count), torch.arange(count).repeat_interleave(len(rows))
        return Batch(self._shown(rows, marks), self.classes[marks] if kind == BIASED else self._targets[rows])

    def _shown(self, rows: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        deviation, mean = torch.std_mean(self.batch.images, (0, 2, 3), keepdim=True)
        height, width = self.batch.images.shape[2:]
        stripes = mean + deviation * stripes_of(len(self.classes), height, width).to(mean)[marks][:, None]
        return torch.where(self.masks[rows][:, None], stripes, self.batch.images[rows])


def in_turn(of_class: list[torch.Tensor]) -> torch.Tensor:
    """Return the rows of all classes, one of each in turn, so that the first few are of all classes."""
    within = torch.cat([torch.arange(len(rows)) for rows in of_class])
    return torch.cat(of_class)[within.argsort(stable=True)]


def stripes_of(count: int, height: int, width: int) -> torch.Tensor:
    """Return stripes ``(count, height, width)`` of -1 and 1: upright ones, and others turned by equal angles."""
    period = max(NARROWEST, min(height, width) * PERIOD)
    angles = (torch.arange(count) * torch.pi / count)[:, None, None]
    across = torch.arange(width) * angles.cos() + torch.arange(height)[:, None] * angles.sin()
    # A quarter of a pixel off, so that rounding does not decide where a stripe ends.
    return torch.where((across + 0.25).remainder(period) < period / 2, 1, -1)
