"""Measures the SRC (Spearman rank correlation) of a method's maps before and after an intervention, by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..data.batch import Batch
from ..foundation.errors import SaliencyMethodError, unknown_name
from ..foundation.inference import evaluation_mode, images_for, logits_of
from ..foundation.randomness import derived_seed
from ..interventions.stage import Randomization, Stage
from ..methods.protocol import SaliencyMethod
from .maps import SIGNS, as_seen, maps_of, reduced
from .profile import Cause, SrcProfile
from .ranks import correlation, standard_ranks

At = str | Sequence[str]
TRAINED = "the trained model"


@dataclass(frozen=True, eq=False)
class SrcMeasurement:
    """A method, an intervention in a model, and the images to explain. A stage is measured when it is asked for.

    ``sign``: ``"absolute"`` or ``"signed"``; ``seeds``: how many times a random intervention is drawn. ``seen``:
    whether maps are rounded to what a screen can show before they are ranked (``maps.as_seen``).

    Raises ValueError if the sign is unknown or ``seeds`` is below 1.
    """

    method: SaliencyMethod
    method_name: str
    model_name: str
    randomizer: Randomization
    batch: Batch
    sign: str
    seeds: int
    seed: int
    seen: bool = False

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise unknown_name("sign", self.sign, SIGNS)
        if self.seeds < 1:
            raise ValueError(f"seeds must be at least 1, not {self.seeds!r}")

    def profile(self, at: At) -> SrcProfile:
        """Return the SRCs at the stages that ``at`` means.

        Raises ValueError if it means none, SaliencyMethodError if the method raises or does not return maps.
        """
        seeds = range(self.seeds if self.randomizer.repeats else 1)
        draws = [self.randomizer.bind(self.images, derived_seed(self.seed, draw)) for draw in seeds]
        stages = stages_meant(draws[0], at)
        before = self.before
        shape = (len(draws), len(stages), len(self.images))
        src, causes = np.full(shape, np.nan), np.zeros(shape, dtype=np.int8)
        for draw, randomization in enumerate(draws):
            for stage in randomization.stages(stages):
                cell = draw, stages.index(stage.name)
                if stage.dead:
                    causes[cell] = Cause.DEAD_MODEL
                    continue
                after = self._ranks(stage, self._noise_of(draw, stage.name))
                self._require_same_size(before, after, stage.name)
                src[cell] = correlation(before.ranks, after.ranks)
                causes[cell] = causes_of(before, after)
        return SrcProfile(self.method_name, self.model_name, self.sign, self.seed, stages, src, causes)

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
    def before(self) -> Ranks:
        """The ranks of the trained model's maps."""
        return self._ranks(Stage(TRAINED, self.randomizer.model), derived_seed(self.seed, TRAINED))

    def _noise_of(self, draw: int, stage: str) -> int:
        """Return the seed of the random streams during the calls of the method."""
        return derived_seed(self.seed, *((TRAINED,) if self.randomizer.same_noise else (draw, stage)))

    def _ranks(self, stage: Stage, seed: int) -> Ranks:
        name = f"{self.method_name} on {self.model_name}, {stage.name}"
        images = self.images + stage.shift if stage.shift else self.images
        targets = stage.retarget(self.targets) if stage.retarget else self.targets
        with evaluation_mode(stage.model):
            maps = reduced(maps_of(self.method, stage.model, images, targets, name=name, seed=seed), self.sign)
        ranked = standard_ranks(as_seen(maps) if self.seen else maps)
        return Ranks(ranked, maps.flatten(1).isfinite().all(1).cpu().numpy(), tuple(maps.shape[1:]))

    def _require_same_size(self, before: Ranks, after: Ranks, stage: str) -> None:
        if before.size != after.size:
            raise SaliencyMethodError(
                f"{self.method_name} on {self.model_name}, {stage}: the method returned maps of size {after.size}, "
                f"but of size {before.size} for the trained model"
            )


@dataclass(frozen=True)
class Ranks:
    """Standard ranks ``(N, P)`` of maps, whether each map is finite, and the maps' size."""

    ranks: torch.Tensor
    finite: np.ndarray
    size: tuple[int, ...]

    @property
    def constant(self) -> np.ndarray:
        """Whether each map is finite but constant, so that it has no ranks."""
        constant: np.ndarray = self.ranks.isnan().all(1).numpy() & self.finite
        return constant


def causes_of(before: Ranks, after: Ranks) -> np.ndarray:
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
