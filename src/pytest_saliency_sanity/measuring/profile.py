"""The SRCs of maps before and after an intervention, by stage, seed and image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from ..drawing.curves import Curve, draw_chance, draw_curve
from ..drawing.shown import shown_figure
from ..drawing.style import style_axes
from ..foundation.errors import unknown_name
from ..foundation.tables import Table, data_frame
from .interval import Interval
from .statistics import mean_interval, similarity_by_chance, similarity_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

# What stages are compared with, as it is called in messages and among a profile's maps.
TRAINED = "the trained model"


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

    def plot(
        self,
        ax: Axes | None = None,
        *,
        confidence: float = 0.95,
        others: Iterable[SrcProfile] = (),
        label: str | None = None,
    ) -> Axes:
        """Draw the similarity over the stages with its confidence interval, and return the matplotlib axes.

        The dotted line is what maps of random numbers would score, if it is known: the more, the fewer positions.

        ``ax``: where to draw, by default a new figure. Several profiles of the same stages can share axes. ``others``:
        profiles to compare this one with, such as those of controls; they are drawn as thin lines without intervals.
        ``label``: what the legend says, by default the method and the model.

        Raises ImportError if matplotlib is missing, ValueError if ``ax`` shows other stages.
        """
        if ax is None:
            _, ((ax,),) = shown_figure(1, 1, max(4.5, 1.5 + 0.45 * len(self.stages)), 3.2)
            style_axes(ax)
        _require_same_stages(ax, self.stages)
        name = self.name if label is None else label
        kind = len(ax.get_legend_handles_labels()[1])
        if self.by_chance is not None:
            draw_chance(ax, self.by_chance, kind=kind)
        return draw_curve(
            ax,
            Curve(self._ranges(confidence)),
            label=f" {name}" if name.startswith("_") else name,  # matplotlib hides what begins with _
            others=_by_name(self, others, confidence),
            quantity=f"mean |{self._unit}|, {confidence * 100:g} % interval",
            kind=kind,
        )

    def to_dataframe(self) -> DataFrame:
        """Return the SRCs as a pandas DataFrame, a row for each draw, stage and image. Raises ImportError without it.

        ``cause``: why an SRC is undefined, in words; empty if it is defined.
        """
        draw, stage, image = (each.ravel() for each in np.indices(self.src.shape))
        words = np.array(["", *map(str, Cause)], dtype=object)
        return data_frame(
            {
                "method": self.method,
                "model": self.model,
                "compared_by": self.compared_by,
                "sign": self.sign,
                "seed": self.seed,
                "draw": draw,
                "stage": np.array(self.stages, dtype=object)[stage],
                "image": image,
                "src": self.src.ravel(),
                "cause": words[self.causes.ravel()],
            }
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each stage."""
        return self._table().html

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print what IPython shows on a terminal."""
        printer.text(self._table().text)

    @property
    def by_chance(self) -> float | None:
        """The similarity of maps of random numbers, as large as ``maps``; None if there are none."""
        if self._unit != "SRC" or not self.maps:
            return None
        return similarity_by_chance(prod(next(iter(self.maps.values())).shape[1:]))

    @property
    def name(self) -> str:
        """The method and the model."""
        return f"{self.method} on {self.model}"

    @property
    def _unit(self) -> str:
        return "SRC" if self.compared_by == "src" else self.compared_by

    def _table(self) -> Table:
        draws, _, images = self.src.shape
        return Table(
            heading=("stage", f"mean |{self._unit}|", f"mean {self._unit}", "undefined"),
            rows=[
                (
                    stage,
                    self.similarity(stage).text,
                    self.interval(stage).text,
                    f"{self.undefined(stage)} of {draws * images}",
                )
                for stage in self.stages
            ],
            caption=f"{self.name}, {self.sign}: {images} images x {draws} draws, seed {self.seed}; 95 % intervals",
        )

    def _ranges(self, confidence: float) -> dict[str, Interval]:
        return {stage: self.similarity(stage, confidence) for stage in self.stages}

    def _index(self, stage: str) -> int:
        if stage not in self.stages:
            raise unknown_name("stage", stage, self.stages)
        return self.stages.index(stage)


def _require_same_stages(ax: Axes, stages: tuple[str, ...]) -> None:
    """Raise ValueError if the places of an x-axis have other names already, which a curve would take from them."""
    from matplotlib.ticker import FixedLocator

    if isinstance(ax.xaxis.get_major_locator(), FixedLocator):
        shown = tuple(tick.get_text() for tick in ax.get_xticklabels())
        if shown != stages:
            raise ValueError(
                f"ax shows the stages {', '.join(shown)}; this profile has {', '.join(stages)}: give it axes of its own"
            )


def _by_name(profile: SrcProfile, others: Iterable[SrcProfile], confidence: float) -> dict[str, dict[str, Interval]]:
    """Return the curves of other profiles by the name of what differs from a profile."""
    found: dict[str, dict[str, Interval]] = {}
    for other in others:
        name = other.method if other.model == profile.model else other.name
        while name in found:
            name = f"{name}, too"
        found[name] = other._ranges(confidence)
    return found
