"""The measurement under every randomisation check: the SRC of maps before and after, by stage, seed and image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from torch import nn

from ..checkpoints.store import load_checkpoint
from ..data import load_batch
from ..data.batch import Batch
from ..errors import unknown_name
from ..methods.maps import SIGNS, maps_of, reduced
from ..methods.protocol import SaliencyMethod
from ..methods.resolve import resolve_method
from ..metrics.rank_correlation import correlation, standard_ranks
from ..metrics.statistics import Interval, mean_interval
from ..models.inference import device_of, evaluation_mode, logits_of
from ..randomization.cascade import CascadingRandomizer
from ..randomization.labels import LabelRandomizer
from ..randomization.stage import Randomization
from ..randomness import derived_seed

At = str | Sequence[str]


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

    ``src``: float64 ``(seeds, stages, N)``, NaN where undefined. ``causes``: the same shape, a ``Cause`` where
    undefined, else 0. ``sign``: how maps were compared, ``"signed"`` or ``"absolute"``.
    """

    method: str
    model: str
    sign: str
    seed: int
    stages: tuple[str, ...]
    src: np.ndarray
    causes: np.ndarray

    def mean(self, stage: str) -> float:
        """Return the mean SRC at a stage; NaN where none is defined."""
        return self.interval(stage).mean

    def interval(self, stage: str, confidence: float = 0.95) -> Interval:
        """Return the mean SRC at a stage and its confidence interval over images and seeds."""
        return mean_interval(self.at(stage), confidence)

    def undefined(self, stage: str) -> int:
        """Return how many of the ``seeds x N`` SRCs at a stage are undefined."""
        return int(np.isnan(self.at(stage)).sum())

    def causes_at(self, stage: str) -> dict[Cause, int]:
        """Return how many SRCs at a stage are undefined for each cause."""
        found = Counter(self.causes[:, self._index(stage)].ravel().tolist())
        return {cause: found[cause] for cause in Cause if found[cause]}

    def at(self, stage: str) -> np.ndarray:
        """Return the SRCs at a stage, ``(seeds, N)``."""
        table: np.ndarray = self.src[:, self._index(stage)]
        return table

    def _index(self, stage: str) -> int:
        if stage not in self.stages:
            raise unknown_name("stage", stage, self.stages)
        return self.stages.index(stage)


def src_profile(
    method: SaliencyMethod | str,
    model: nn.Module | str,
    batch: Batch | None = None,
    *,
    randomization: Randomization | str = "cascading",
    at: At = "every",
    sign: str = "absolute",
    seeds: int = 3,
    seed: int = 0,
) -> SrcProfile:
    """Measure how alike a method's maps are before and after a randomisation. Judges nothing.

    ``method``, ``model``: an object or a name. ``batch``: by default the images of the randomizer, or 100 held-out
    digits. ``randomization``: ``"cascading"``, ``"labels"`` (of a named model), or a randomizer, which brings its own
    model. ``at``: which stages to measure: ``"every"``, ``"last"``, ``"classifier"``, a stage's name, or several of
    these. ``sign``: ``"absolute"`` compares the channels' summed magnitudes, ``"signed"`` their sums. ``seeds``: how
    many times weights are drawn; a ``LabelRandomizer`` has one version only. The class explained is the batch's target,
    by default the class that the unrandomised model predicts, at every stage.

    Raises ValueError or TypeError for arguments that do not fit, SaliencyMethodError for a method that raises or
    returns no maps, CheckpointError for a damaged checkpoint.
    """
    if sign not in SIGNS:
        raise unknown_name("sign", sign, SIGNS)
    if seeds < 1:
        raise ValueError(f"seeds must be at least 1, not {seeds!r}")
    named = isinstance(randomization, str)  # a randomizer brings its own model, whatever the name
    randomizer = as_randomization(randomization, model)
    batch = (batch or default_batch(randomizer)).to(device_of(randomizer.model))
    measure = _Measurement(
        method=resolve_method(method) if isinstance(method, str) else method,
        method_name=method if isinstance(method, str) else name_of(method),
        model_name=model if isinstance(model, str) and named else type(randomizer.model).__name__,
        images=batch.images,
        targets=logits_of(randomizer.model, batch.images).argmax(1) if batch.targets is None else batch.targets,
        sign=sign,
    )
    return measure.profile(randomizer, at, seeds if randomizer.repeats else 1, seed)


def as_randomization(randomization: Randomization | str, model: nn.Module | str) -> Randomization:
    """Return the randomizer that is meant, of the model that is meant; ValueError where they do not fit together."""
    if not isinstance(randomization, str):
        if isinstance(model, nn.Module) and model is not randomization.model:
            raise ValueError("randomization is a randomizer of another model than the one given: leave model out")
        return randomization
    if randomization not in ("cascading", "labels"):
        raise unknown_name("randomization", randomization, ("cascading", "labels"))
    trained = load_checkpoint(model) if isinstance(model, str) else model
    if randomization == "cascading":
        return CascadingRandomizer(trained)
    if not isinstance(model, str):
        raise ValueError("for randomised labels of your own model give randomization=LabelRandomizer(model, memorized)")
    return LabelRandomizer(trained, load_checkpoint(model, labels="random"))


def stages_meant(randomization: Randomization, at: At) -> tuple[str, ...]:
    """Return the stages that ``at`` means, one or several of them, in the order of the randomisation."""
    if isinstance(at, str):
        return randomization.names(at)
    meant = {name for each in at for name in randomization.names(each)}
    return tuple(name for name in randomization.names() if name in meant)


def default_batch(randomization: Randomization | str) -> Batch:
    """Return the images that a randomizer was given, else 100 held-out digits, for the class predicted."""
    images = None if isinstance(randomization, str) else randomization.given_images
    return held_out_digits(100) if images is None else Batch(images)


def held_out_digits(n: int) -> Batch:
    """Return ``n`` held-out digits, to be explained for the class that the model predicts."""
    return Batch(load_batch("mnist", n).images)


def name_of(method: SaliencyMethod) -> str:
    """Return how to call a method in messages."""
    return str(getattr(method, "__name__", None) or type(method).__name__)


@dataclass(frozen=True)
class _Measurement:
    method: SaliencyMethod
    method_name: str
    model_name: str
    images: torch.Tensor
    targets: torch.Tensor
    sign: str

    def profile(self, randomizer: Randomization, at: At, seeds: int, seed: int) -> SrcProfile:
        draws = [randomizer.bind(self.images, derived_seed(seed, draw)) for draw in range(seeds)]
        stages = stages_meant(draws[0], at)
        before, size = self._ranks(randomizer.model, "the trained model", derived_seed(seed, "trained"))
        shape = (seeds, len(stages), len(self.images))
        src, causes = np.full(shape, np.nan), np.zeros(shape, dtype=np.int8)
        for draw, randomization in enumerate(draws):
            for stage in randomization.stages(stages):
                cell = draw, stages.index(stage.name)
                if stage.dead:
                    causes[cell] = Cause.DEAD_MODEL
                    continue
                after, after_size = self._ranks(stage.model, stage.name, derived_seed(seed, draw, stage.name))
                if after_size != size:
                    raise ValueError(f"{self.method_name} gave maps {size}, and at stage {stage.name} {after_size}")
                src[cell] = correlation(before.ranks, after.ranks)
                causes[cell] = causes_of(before, after)
        return SrcProfile(self.method_name, self.model_name, self.sign, seed, stages, src, causes)

    def _ranks(self, model: nn.Module, stage: str, seed: int) -> tuple[_Ranks, tuple[int, ...]]:
        name = f"{self.method_name} on {self.model_name}, {stage}"
        with evaluation_mode(model):
            maps = reduced(maps_of(self.method, model, self.images, self.targets, name=name, seed=seed), self.sign)
        return _Ranks(standard_ranks(maps), maps.flatten(1).isfinite().all(1).cpu().numpy()), tuple(maps.shape[1:])


@dataclass(frozen=True)
class _Ranks:
    ranks: torch.Tensor
    finite: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        constant: np.ndarray = self.ranks.isnan().all(1).numpy() & self.finite
        return constant


def causes_of(before: _Ranks, after: _Ranks) -> np.ndarray:
    """Return for each image the ``Cause`` that its SRC is undefined, or 0."""
    causes = np.zeros(len(before.finite), dtype=np.int8)
    causes[after.constant] = Cause.CONSTANT_AFTER
    causes[before.constant] = Cause.CONSTANT_BEFORE
    causes[~(before.finite & after.finite)] = Cause.NOT_FINITE
    return causes
