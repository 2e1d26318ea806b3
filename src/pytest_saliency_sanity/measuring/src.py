"""Measures how alike a method's maps are before and after an intervention, by stage: the SRC, image by image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch

from ..data.batch import Batch
from ..foundation.errors import unknown_name
from ..foundation.mapping import is_spread, mapped, workers
from ..foundation.progress import advance, expect, telling
from ..foundation.randomness import derived_seed
from ..foundation.reading import SIGNS
from ..interventions.stage import Randomization
from ..methods.protocol import SaliencyMethod
from .jobs import Job, Outcome, fitting_together, measured_in, parts_of
from .looks import Look
from .original import Original
from .pictures import maps_to_keep, pictures_of
from .profile import TRAINED, SrcProfile
from .similarities import SIMILARITIES, SRC

At = str | Sequence[str]
LEAST_JOBS = 4  # for each process that works: with fewer, some would wait for the others


@dataclass(frozen=True, eq=False)
class SrcMeasurement:
    """A method, an intervention in a model, and the images to explain. A stage is measured when it is asked for.

    ``signs``: how maps are compared, ``"signed"``, ``"absolute"`` or both: maps are drawn once and compared in each of
    these ways; maps without signs in the first way only. ``seeds``: how many times a random intervention is drawn.
    ``seen``: whether maps are rounded to what a screen can show before they are compared (``maps.as_seen``).
    ``compared_by``: a name of ``SIMILARITIES``. ``original``: the maps of the model as it is, if they are shared with
    other measurements. ``sample``: how many images the intervention is made for, by default all.

    The method gets a copy of the model, so that whatever it does to it harms nobody else.
    Raises ValueError if a sign or ``compared_by`` is unknown or ``seeds`` is below 1.
    """

    method: SaliencyMethod
    method_name: str
    model_name: str
    randomizer: Randomization
    batch: Batch
    signs: tuple[str, ...]
    seeds: int
    seed: int
    seen: bool = False
    compared_by: str = SRC
    original: Original = field(default=None)  # type: ignore[assignment]
    sample: int | None = None

    def __post_init__(self) -> None:
        for sign in self.signs:
            if sign not in SIGNS:
                raise unknown_name("sign", sign, SIGNS)
        if self.compared_by not in SIMILARITIES:
            raise unknown_name("similarity", self.compared_by, SIMILARITIES)
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, not {self.seeds!r}")
        if self.original is None:
            object.__setattr__(self, "original", self._own_original())

    def profile(self, at: At) -> SrcProfile:
        """Return the SRCs of maps compared by the first of ``signs``. Raises what ``profiles`` raises."""
        return self.profiles(at)[0]

    def profiles(self, at: At) -> tuple[SrcProfile, ...]:
        """Return the SRCs of all images and ``seeds`` draws at the stages that ``at`` means, a profile for each sign.

        Raises ValueError if it means none, SaliencyMethodError if the method raises or does not return maps.
        """
        (profiles,) = self.growing(at, (Look(len(self.images), self.seeds),))
        return profiles

    def growing(self, at: At, looks: Sequence[Look]) -> Iterator[tuple[SrcProfile, ...]]:
        """Yield the profiles of growing numbers of images and draws. Nothing is explained before it is asked for.

        The intervention is drawn once if it has one version only. Raises what ``profiles`` raises.
        """
        table = _Table(self, stages_meant(self._bound, at), looks)
        for look in looks:
            yield table.grown_to(look)

    @property
    def images(self) -> torch.Tensor:
        """The images, on the model's device and in its precision."""
        return self.original.images

    @property
    def targets(self) -> torch.Tensor:
        """The classes to explain, the same at every stage."""
        return self.original.targets(len(self.images))

    @cached_property
    def _bound(self) -> Randomization:
        return self.bound(0)

    def bound(self, draw: int) -> Randomization:
        """Return a draw of the intervention."""
        return self.randomizer.bind(self.images[: self.sample], derived_seed(self.seed, draw))

    def _own_original(self) -> Original:
        return Original(
            method=self.method,
            name=f"{self.method_name} on {self.model_name}",
            model=self.randomizer.model,
            images=self.batch.images,
            given=self.batch.targets,
            seed=self.seed,
            seen=self.seen,
            compared_by=self.compared_by,
        )


class _Table:
    """The SRCs of a measurement so far, by sign, draw, stage and image: NaN if undefined or not yet known."""

    def __init__(self, measurement: SrcMeasurement, stages: tuple[str, ...], looks: Sequence[Look]) -> None:
        self.measurement = measurement
        self.stages = stages
        self.draws = max(look.draws for look in looks) if measurement.randomizer.repeats else 1
        ends = sorted({0, *(look.images for look in looks)})
        most = measurement.original.most_images
        self.parts = [part for start, stop in pairwise(ends) for part in parts_of(start, stop, most)]
        shape = (len(measurement.signs), self.draws, len(stages), looks[-1].images)
        self.src = np.full(shape, np.nan)
        self.causes = np.zeros(shape, dtype=np.int8)
        self.known = [0] * self.draws  # how many images, by draw
        self.kept: dict[str, np.ndarray] = {}  # maps for the eye, by stage

    def grown_to(self, look: Look) -> tuple[SrcProfile, ...]:
        """Explain what is missing for a look, and return its profiles."""
        draws = min(look.draws, self.draws)
        with telling(self.measurement.original.name):
            expect(len(self.stages) * sum(max(0, look.images - known) for known in self.known[:draws]))
            self._explain(draws, look)
        measured, first = self.measurement, self.parts[0]
        # What maps without signs show by magnitude is what they show anyway.
        has_signs = measured.original.view(*first).have_signs
        return tuple(
            SrcProfile(
                method=measured.method_name,
                model=measured.model_name,
                sign=sign,
                seed=measured.seed,
                stages=self.stages,
                src=self.src[index, :draws, :, : look.images].copy(),
                causes=self.causes[index, :draws, :, : look.images].copy(),
                compared_by=measured.compared_by,
                has_signs=has_signs,
                maps=self._maps_for_the_eye(),
                pictures=pictures_of(measured.images),
            )
            for index, sign in enumerate(self._signs)
        )

    def _maps_for_the_eye(self) -> dict[str, np.ndarray]:
        """Return the maps of the first images by stage, first those of the trained model, then those under a draw."""
        trained = maps_to_keep(self.measurement.original.view(*self.parts[0]).maps, self.measurement.signs[0])
        return {TRAINED: trained} | {stage: self.kept[stage] for stage in self.stages if stage in self.kept}

    @property
    def _signs(self) -> tuple[str, ...]:
        signs = self.measurement.signs
        return signs if self.measurement.original.view(*self.parts[0]).have_signs else signs[:1]

    def _explain(self, draws: int, look: Look) -> None:
        """Measure, under each draw, the parts of a look that are not known yet, at every stage."""
        self.measurement.original.view(*self.parts[0])  # a method that is wrong is told so before a model is copied
        jobs = [job for draw in range(draws) for job in self._jobs(draw, look)]
        if is_spread() and len(jobs) < LEAST_JOBS * workers():
            jobs = [smaller for job in jobs for smaller in job.split()]
        for job, outcomes in zip(jobs, mapped(measured_in, self.measurement, jobs), strict=True):
            if is_spread():  # here, maps are counted as they are drawn
                advance(job.explanations)
            for outcome in outcomes:
                self._keep(job, outcome)
        self.known[:draws] = [max(known, look.images) for known in self.known[:draws]]

    def _jobs(self, draw: int, look: Look) -> Iterator[Job]:
        missing = [part for part in self.parts if self.known[draw] < part[1] <= look.images]
        for parts in fitting_together(missing, self.measurement.original.most_images):
            yield Job(draw, self.stages, parts, self._signs)

    def _keep(self, job: Job, outcome: Outcome) -> None:
        column = self.stages.index(outcome.stage)
        cells = slice(None, len(job.signs)), job.draw, column, slice(*outcome.part)
        self.src[cells], self.causes[cells] = outcome.src, outcome.causes
        if outcome.maps is not None:
            self.kept[outcome.stage] = outcome.maps


def stages_meant(randomization: Randomization, at: At) -> tuple[str, ...]:
    """Return the stages that ``at``, a string or several, means, in the order of the randomisation."""
    if isinstance(at, str):
        return randomization.names(at)
    if not at:
        raise ValueError("at names no stage: give 'every', 'last', 'classifier' or the name of a stage")
    meant = {name for each in at for name in randomization.names(each)}
    return tuple(name for name in randomization.names() if name in meant)
