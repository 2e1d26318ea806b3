"""The SRCs of maps before and after an intervention, by stage, seed and image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from ..foundation.errors import unknown_name
from .interval import Interval
from .statistics import mean_interval, similarity_interval


class Cause(IntEnum):
    """Why an SRC is undefined."""

    CONSTANT_BEFORE = 1
    CONSTANT_AFTER = 2
    NOT_FINITE = 3
    DEAD_MODEL = 4

    def __str__(self) -> str:
        return {
            Cause.CONSTANT_BEFORE: "constant map of the trained model",
            Cause.CONSTANT_AFTER: "constant map of the randomised model",
            Cause.NOT_FINITE: "map with NaN or infinity",
            Cause.DEAD_MODEL: "dead randomised model",
        }[self]


@dataclass(frozen=True, eq=False)
class SrcProfile:
    """SRCs by randomisation seed, stage and image.

    ``src``: float64 ``(seeds, stages, N)``, NaN if undefined. ``causes``: the same shape, a ``Cause`` for each
    undefined SRC, else 0. ``sign``: how maps were compared, ``"signed"`` or ``"absolute"``. ``compared_by``: ``"src"``,
    or another measure of ``measuring.similarities``, which then stands in place of the SRC everywhere. ``has_signs``:
    whether most of the trained model's maps show positive and negative values. ``maps``: those of the first images
    under the first draw, for the eye, each float32 ``(k, h, w)``, by stage, the trained model's first. ``pictures``:
    the images that they explain, uint8 ``(k, H, W, 1 or 3)``.
    """

    method: str
    model: str
    sign: str
    seed: int
    stages: tuple[str, ...]
    src: np.ndarray
    causes: np.ndarray
    compared_by: str = "src"
    has_signs: bool = False
    maps: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    pictures: np.ndarray | None = field(default=None, repr=False)

    def mean(self, stage: str) -> float:
        """Return the mean SRC at a stage; NaN if none is defined."""
        return self.interval(stage).mean

    def interval(self, stage: str, confidence: float = 0.95) -> Interval:
        """Return the mean SRC at a stage and its confidence interval over images and seeds."""
        return mean_interval(self.at(stage), confidence)

    def similarity(self, stage: str, confidence: float = 0.95) -> Interval:
        """Return the mean |SRC| at a stage, 1 for the same picture or its negative, and its confidence interval."""
        return similarity_interval(self.at(stage), confidence)

    def undefined(self, stage: str) -> int:
        """Return how many of the ``seeds x N`` SRCs at a stage are undefined."""
        return int(np.isnan(self.at(stage)).sum())

    def causes_at(self, stage: str) -> dict[Cause, int]:
        """Return how many SRCs at a stage are undefined for each cause."""
        found = Counter(self.causes[:, self._index(stage)].ravel().tolist())
        return {cause: found[cause] for cause in Cause if found[cause]}

    def dead(self, stage: str) -> int:
        """Return how many SRCs at a stage are undefined because the randomised model is dead."""
        return self.causes_at(stage).get(Cause.DEAD_MODEL, 0)

    def at(self, stage: str) -> np.ndarray:
        """Return the SRCs at a stage, ``(seeds, N)``."""
        table: np.ndarray = self.src[:, self._index(stage)]
        return table

    def _index(self, stage: str) -> int:
        if stage not in self.stages:
            raise unknown_name("stage", stage, self.stages)
        return self.stages.index(stage)
