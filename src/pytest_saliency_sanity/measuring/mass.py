"""The measuring under bias detection: how much of a method's maps lies inside masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..checks.judging.result import Verdict
from ..data.batch import Batch
from ..foundation.inference import evaluation_mode, images_for, logits_of
from ..methods.protocol import SaliencyMethod
from .localization import mass_inside
from .maps import maps_of
from .statistics import Interval, mean_interval


@dataclass(frozen=True, eq=False)
class Masses:
    """The share of each map that lies inside its mask: ``values`` float64 ``(N,)``, NaN where a map is 0 or not finite.

    Or the differences of two such shares.
    """

    values: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over images; NaN where none is defined."""
        return self.interval().mean

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the mean and its confidence interval over images."""
        return mean_interval(self.values[None], confidence)

    @property
    def undefined(self) -> int:
        """How many are undefined."""
        return int(np.isnan(self.values).sum())

    def __sub__(self, other: Masses) -> Masses:
        return Masses(self.values - other.values)

    def __len__(self) -> int:
        return len(self.values)


def masses_of(
    method: SaliencyMethod, model: nn.Module, batch: Batch, masks: torch.Tensor, *, name: str, seed: int
) -> Masses:
    """Return the masses inside ``masks`` of maps that explain the batch's targets, or the classes that are predicted.

    ``name`` says which method and model this is. A method that draws from the global random streams finds them seeded
    by ``seed``. Raises SaliencyMethodError where the method raises or returns no maps.
    """
    images = images_for(model, batch.images)
    targets = predictions(model, images) if batch.targets is None else batch.targets.to(images.device)
    with evaluation_mode(model):
        maps = maps_of(method, model, images, targets, name=name, seed=seed)
    return Masses(mass_inside(maps, masks).numpy())


def predictions(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the class that a model predicts for each image, ``(N,)``."""
    return logits_of(model, images_for(model, images)).argmax(1)


def require_masks(masks: torch.Tensor, images: torch.Tensor) -> None:
    """Raise TypeError or ValueError unless there is one mask an image, of its size, neither empty nor full."""
    wanted = (len(images), *images.shape[2:])
    if not isinstance(masks, torch.Tensor):
        raise TypeError(f"masks must be a torch.Tensor {wanted} of bool, not {type(masks).__name__}")
    if masks.dtype != torch.bool:
        raise TypeError(f"masks must be bool, True inside the region; got {masks.dtype}: compare it, as in masks > 0.5")
    if tuple(masks.shape) != wanted:
        raise ValueError(f"masks must be one an image and of its size, {wanted}; got {tuple(masks.shape)}")
    inside = masks.flatten(1).double().mean(1)
    for problem, wrong in (("empty", inside == 0), ("full", inside == 1)):
        if wrong.any():
            rows = wrong.nonzero().flatten().tolist()
            raise ValueError(
                f"{len(rows)} of {len(masks)} masks are {problem}, the first is masks[{rows[0]}]: "
                "the mass inside says nothing there; leave these images out"
            )


def require_share(threshold: object) -> None:
    """Raise TypeError or ValueError unless a threshold is a number above 0 and below 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"threshold must be a number above 0 and below 1, not {threshold!r}")
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be above 0 and below 1, as a share of the map is; not {threshold!r}")


def require_confidence(confidence: object) -> None:
    """Raise TypeError or ValueError unless a confidence is a number between 0 and 1."""
    if isinstance(confidence, bool) or not isinstance(confidence, int | float):
        raise TypeError(f"confidence must be a number between 0 and 1, not {confidence!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, not {confidence!r}")


def explain_mass(
    title: str, masses: Masses, masks: torch.Tensor, verdict: Verdict, threshold: float, confidence: float, seed: int
) -> str:
    """Return the whole message on masses inside masks: what was asked and found."""
    mean, low, high = masses.interval(confidence)
    meaning = {
        "passed": "The maps lie inside the masks.",
        "failed": "The maps lie too little inside the masks.",
        "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
        "undefined": "Undefined: too few maps are finite and not 0 throughout to say anything.",
    }[verdict]
    must = f"it must stay above {threshold:g} with its whole interval"
    found = f"Mean mass inside {mean:.3f}, {confidence * 100:g}% interval {low:.3f} to {high:.3f}; {must}."
    left_out = [f"{masses.undefined} of {len(masses)} maps are 0 throughout or not finite, and left out."]
    return "\n".join(
        [
            f"{title} {verdict.upper()}",
            "",
            meaning,
            found if mean == mean else f"There is no mass inside; {must}.",
            *left_out * (masses.undefined > 0),
            f"The masks cover {masks.double().mean():.3f} of the images, the mass of a map that is alike everywhere.",
            "",
            "Mass: the share of a map's absolute values inside its mask.",
            f"Measured on {len(masses)} images, seed {seed}.",
        ]
    )
