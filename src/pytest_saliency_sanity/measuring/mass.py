"""Measures the share of a method's maps that lies inside masks, image by image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..data.batch import Batch
from ..foundation.copying import copied
from ..foundation.inference import evaluation_mode, images_for, logits_of
from ..foundation.progress import expect
from ..methods.protocol import SaliencyMethod
from .interval import Interval
from .localization import mass_inside
from .maps import maps_of
from .statistics import mean_interval


@dataclass(frozen=True, eq=False)
class Masses:
    """The share of each map that lies inside its mask: ``values`` float64 ``(N,)``, NaN if a map is 0 or not finite.

    Also the differences between the shares of two models.
    """

    values: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over images; NaN if none is defined."""
        return self.interval().mean

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the mean and its confidence interval over images."""
        return mean_interval(self.values[None], confidence)

    @property
    def undefined(self) -> int:
        """The number of undefined values."""
        return int(np.isnan(self.values).sum())

    def followed_by(self, other: Masses) -> Masses:
        """Return these masses and those of more images."""
        return Masses(np.concatenate([self.values, other.values]))

    def __sub__(self, other: Masses) -> Masses:
        return Masses(self.values - other.values)

    def __len__(self) -> int:
        return len(self.values)


def masses_of(
    method: SaliencyMethod,
    model: nn.Module,
    batch: Batch,
    masks: torch.Tensor,
    *,
    name: str,
    seed: int,
    start: int = 0,
    stop: int | None = None,
) -> Masses:
    """Return the masses inside ``masks`` of maps that explain the batch's targets, or by default the predicted classes.

    ``name``: the method and model, for errors. ``seed``: seeds the global random streams during the calls. ``start``,
    ``stop``: only these of the images are explained.
    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    some = slice(start, stop)
    expect(len(masks[some]))
    maps = maps_to_weigh(method, model, batch, some, name=name, seed=seed)
    return Masses(mass_inside(maps, masks[some]).numpy())


def maps_to_weigh(
    method: SaliencyMethod, model: nn.Module, batch: Batch, some: slice, *, name: str, seed: int
) -> torch.Tensor:
    """Return the maps of some images of a batch, as ``masses_of`` asks for them."""
    images = images_for(model, batch.images[some])
    targets = predictions(model, images) if batch.targets is None else batch.targets[some].to(images.device)
    own = copied(model)  # whatever the method does to it harms nobody else
    with evaluation_mode(own):
        return maps_of(method, own, images, targets, name=name, seed=seed, first=some.start or 0)


def predictions(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Return the class that a model predicts for each image, ``(N,)``."""
    return logits_of(model, images_for(model, images)).argmax(1)
