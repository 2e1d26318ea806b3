"""The unit of measuring: the SRCs of some parts of the images at some stages of a draw.

Jobs depend on nothing but their measurement, so they can be done in any order, in any process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from ..foundation.errors import SaliencyMethodError
from ..foundation.inference import heard
from ..foundation.progress import advance
from ..foundation.randomness import derived_seed
from ..interventions.stage import Stage
from ..methods.protocol import shares_work
from .original import explained
from .pictures import maps_to_keep
from .profile import Cause
from .view import View, compared

if TYPE_CHECKING:
    from .src import SrcMeasurement

Part = tuple[int, int]  # of the images, from and to


class Job(NamedTuple):
    """Which stages of which draw, which parts of the images, and the signs by which their maps are compared."""

    draw: int
    stages: tuple[str, ...]
    parts: tuple[Part, ...]
    signs: tuple[str, ...]

    @property
    def explanations(self) -> int:
        """How many maps it takes."""
        return len(self.stages) * sum(stop - start for start, stop in self.parts)

    def split(self) -> Iterator[Job]:
        """Yield the smallest jobs that together are the same."""
        for part in self.parts:
            for stage in self.stages:
                yield Job(self.draw, (stage,), (part,), self.signs)


class Outcome(NamedTuple):
    """The SRCs ``(signs, n)`` of a part at a stage, and the cause of each that is undefined. ``maps``: for the eye."""

    stage: str
    part: Part
    src: np.ndarray
    causes: np.ndarray
    maps: np.ndarray | None


def measured_in(measurement: SrcMeasurement, job: Job) -> list[Outcome]:
    """Do a job. Raises SaliencyMethodError if the method raises or does not return maps."""
    outcomes = []
    for stage in measurement.bound(job.draw).stages(job.stages):
        here = _At(measurement, job, stage)
        outcomes += [here.outcome(part) for part in job.parts]
    return outcomes


def parts_of(start: int, stop: int, most: int) -> Iterator[Part]:
    """Yield images from ``start`` to ``stop`` in parts of at most so many."""
    for begin in range(start, stop, most):
        yield begin, min(begin + most, stop)


def fitting_together(parts: Sequence[Part], most: int) -> Iterator[tuple[Part, ...]]:
    """Yield parts in groups, each of at most so many images, or of a single part."""
    group: list[Part] = []
    for part in parts:
        if group and sum(stop - start for start, stop in (*group, part)) > most:
            yield tuple(group)
            group = []
        group.append(part)
    if group:
        yield tuple(group)


@dataclass
class _At:
    """A stage, in a job. ``why_dead``: why its model can't be scored; None if it can, or is not tried yet."""

    measurement: SrcMeasurement
    job: Job
    stage: Stage
    why_dead: str | None = None
    is_tried: bool = False

    def outcome(self, part: Part) -> Outcome:
        """Measure a part of the images."""
        signs = self.job.signs
        after = self._view(part)
        if after is None:
            shape = len(signs), part[1] - part[0]
            return Outcome(self.stage.name, part, np.full(shape, np.nan), np.full(shape, Cause.DEAD_MODEL), None)
        before = self.measurement.original.view(*part)
        pairs = [compared(before, after, sign) for sign in signs]
        src, causes = (np.stack(each) for each in zip(*pairs, strict=True))
        is_first = self.job.draw == part[0] == 0
        maps = maps_to_keep(after.maps, self.measurement.signs[0]) if is_first else None
        return Outcome(self.stage.name, part, src, causes, maps)

    def _view(self, part: Part) -> View | None:
        """Return the maps of a part; None if the model is dead."""
        if self.why_dead:
            advance(part[1] - part[0])
            return None
        original = self.measurement.original
        before = original.view(*part)
        logits: list[torch.Tensor] = []
        try:
            maps = self._maps(part, logits)
        except SaliencyMethodError:
            if self.stage.dead:
                self.why_dead = self.stage.dead
                return None
            raise
        if not self.is_tried:
            self.is_tried, self.why_dead = True, self.stage.cause_of_death(logits)
        if self.why_dead:
            return None
        after = View(maps, seen=original.seen, compared_by=original.compared_by)
        if before.size != after.size:
            raise SaliencyMethodError(
                f"{original.name}, {self.stage.name}: the method returned maps of size {after.size}, "
                f"but of size {before.size} for the trained model"
            )
        return after

    def _maps(self, part: Part, logits: list[torch.Tensor]) -> torch.Tensor:
        """Return the maps of a part; some of the logits of the model are added to a list."""
        original, method, stage = self.measurement.original, self.measurement.method, self.stage
        start, stop = part
        targets = original.targets(stop)
        explain = partial(
            explained,
            original,
            start=start,
            stop=stop,
            targets=stage.retarget(targets) if stage.retarget else targets,
            name=stage.name,
            noise=self._noise,
            shift=stage.shift,
            method=method,
        )
        with heard(stage.model, logits):
            if stage.first_changed and shares_work(method):
                return original.trunk.shared_with(stage.model, stage.first_changed, part, explain)
            return explain(stage.model)

    @property
    def _noise(self) -> int:
        """The seed of the random streams during the calls of the method."""
        measured = self.measurement
        return (
            measured.original.noise
            if measured.randomizer.same_noise
            else derived_seed(measured.seed, self.job.draw, self.stage.name)
        )
