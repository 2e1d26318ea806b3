"""Measures how alike a method's maps are before and after an intervention, by stage: the SRC, image by image."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..data.batch import Batch
from ..foundation.errors import SaliencyMethodError, unknown_name
from ..foundation.inference import evaluation_mode, images_for, logits_of
from ..foundation.randomness import derived_seed
from ..foundation.reading import SIGNS
from ..interventions.stage import Randomization, Stage
from ..methods.protocol import SaliencyMethod
from .maps import as_seen, have_signs, maps_of, reduced
from .profile import Cause, SrcProfile
from .similarities import SIMILARITIES, SRC

At = str | Sequence[str]
TRAINED = "the trained model"


@dataclass(frozen=True, eq=False)
class SrcMeasurement:
    """A method, an intervention in a model, and the images to explain. A stage is measured when it is asked for.

    ``signs``: how maps are compared, ``"signed"``, ``"absolute"`` or both: maps are drawn once and compared in each of
    these ways. ``seeds``: how many times a random intervention is drawn. ``seen``: whether maps are rounded to what a
    screen can show before they are compared (``maps.as_seen``). ``compared_by``: a name of ``SIMILARITIES``.

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

    def __post_init__(self) -> None:
        for sign in self.signs:
            if sign not in SIGNS:
                raise unknown_name("sign", sign, SIGNS)
        if self.compared_by not in SIMILARITIES:
            raise unknown_name("similarity", self.compared_by, SIMILARITIES)
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, not {self.seeds!r}")

    def profile(self, at: At) -> SrcProfile:
        """Return the SRCs of maps compared by the first of ``signs``. Raises what ``profiles`` raises."""
        return self.profiles(at)[0]

    def profiles(self, at: At) -> tuple[SrcProfile, ...]:
        """Return the SRCs at the stages that ``at`` means, a profile for each of ``signs``.

        Raises ValueError if it means none, SaliencyMethodError if the method raises or does not return maps.
        """
        seeds = range(self.seeds if self.randomizer.repeats else 1)
        draws = [self.randomizer.bind(self.images, derived_seed(self.seed, draw)) for draw in seeds]
        stages = stages_meant(draws[0], at)
        shape = (len(self.signs), len(draws), len(stages), len(self.images))
        src, causes = np.full(shape, np.nan), np.zeros(shape, dtype=np.int8)
        before = self.before
        for draw, randomization in enumerate(draws):
            for stage in randomization.stages(stages):
                cell = slice(None), draw, stages.index(stage.name)
                if stage.dead:
                    causes[cell] = Cause.DEAD_MODEL
                    continue
                after = self._look(stage, self._noise_of(draw, stage.name))
                self._require_same_size(before, after, stage.name)
                src[cell] = self._compared(before, after)
                causes[cell] = [causes_of(*pair) for pair in zip(before.by_sign, after.by_sign, strict=True)]
        return tuple(
            SrcProfile(
                method=self.method_name,
                model=self.model_name,
                sign=sign,
                seed=self.seed,
                stages=stages,
                src=src[index],
                causes=causes[index],
                compared_by=self.compared_by,
                has_signs=have_signs(before.maps),
            )
            for index, sign in enumerate(self.signs)
        )

    @cached_property
    def images(self) -> torch.Tensor:
        """The images, on the model's device and in its precision."""
        return images_for(self.randomizer.model, self.batch.images)

    @cached_property
    def targets(self) -> torch.Tensor:
        """The classes to explain, the same at every stage."""
        if self.batch.targets is None:
            return logits_of(self.randomizer.model, self.images).argmax(1)
        return self.batch.targets.to(self.images.device)

    @cached_property
    def before(self) -> Look:
        """The trained model's maps."""
        return self._look(Stage(TRAINED, copy.deepcopy(self.randomizer.model)), derived_seed(self.seed, TRAINED))

    def _noise_of(self, draw: int, stage: str) -> int:
        """Return the seed of the random streams during the calls of the method."""
        return derived_seed(self.seed, *((TRAINED,) if self.randomizer.same_noise else (draw, stage)))

    def _look(self, stage: Stage, seed: int) -> Look:
        name = f"{self.method_name} on {self.model_name}, {stage.name}"
        images = self.images + stage.shift if stage.shift else self.images
        targets = stage.retarget(self.targets) if stage.retarget else self.targets
        with evaluation_mode(stage.model):
            maps = maps_of(self.method, stage.model, images, targets, name=name, seed=seed)
        return Look(tuple(self._prepared(reduced(maps, sign)) for sign in self.signs), reduced(maps, "signed"))

    def _prepared(self, maps: torch.Tensor) -> Prepared:
        values = SIMILARITIES[self.compared_by].prepare(as_seen(maps) if self.seen else maps)
        return Prepared(values, maps.flatten(1).isfinite().all(1).cpu().numpy())

    def _compared(self, before: Look, after: Look) -> list[np.ndarray]:
        compare = SIMILARITIES[self.compared_by].compare
        pairs = zip(before.by_sign, after.by_sign, strict=True)
        return [compare(one.values, other.values).numpy() for one, other in pairs]

    def _require_same_size(self, before: Look, after: Look, stage: str) -> None:
        if before.size != after.size:
            raise SaliencyMethodError(
                f"{self.method_name} on {self.model_name}, {stage}: the method returned maps of size {after.size}, "
                f"but of size {before.size} for the trained model"
            )


@dataclass(frozen=True)
class Prepared:
    """Maps ready to be compared, ``(N, ...)``, all NaN for an undefined one; and whether each map is finite."""

    values: torch.Tensor
    finite: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """Whether each map is finite but constant, so that it can't be compared."""
        constant: np.ndarray = self.values.flatten(1).isnan().all(1).numpy() & self.finite
        return constant


@dataclass(frozen=True)
class Look:
    """The maps of a stage ``(N, h, w)``, and the same ready to be compared, by sign."""

    by_sign: tuple[Prepared, ...]
    maps: torch.Tensor

    @property
    def size(self) -> tuple[int, ...]:
        """The size of each map."""
        return tuple(self.maps.shape[1:])


def causes_of(before: Prepared, after: Prepared) -> np.ndarray:
    """Return for each image the ``Cause`` of its undefined SRC, or 0 if the SRC is defined."""
    causes = np.zeros(len(before.finite), dtype=np.int8)
    causes[after.constant] = Cause.CONSTANT_AFTER
    causes[before.constant] = Cause.CONSTANT_BEFORE
    causes[~(before.finite & after.finite)] = Cause.NOT_FINITE
    return causes


def stages_meant(randomization: Randomization, at: At) -> tuple[str, ...]:
    """Return the stages that ``at``, a string or several, means, in the order of the randomisation."""
    if isinstance(at, str):
        return randomization.names(at)
    if not at:
        raise ValueError("at names no stage: give 'every', 'last', 'classifier' or the name of a stage")
    meant = {name for each in at for name in randomization.names(each)}
    return tuple(name for name in randomization.names() if name in meant)
