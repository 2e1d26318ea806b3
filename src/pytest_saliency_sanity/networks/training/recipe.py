"""How a network is trained, in plain values, as they stand in the claims about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import cos, pi
from typing import Any

# What every recipe had before these fields were there. Left out of the facts, so that the digests of networks that are
# trained already stay what they are.
BEFORE: dict[str, Any] = {"gain": 1.0, "layout": "contiguous", "decay": False, "noise": 0.0}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    ``width``: as a share of the paper's. ``initialization``: a name in ``training.initialization``, with its ``gain``.
    ``optimizer``: ``"adam"`` (2015, arXiv:1412.6980) or ``"sgd"``, the one that has a ``momentum``. Training ends after
    the first epoch from ``least_epochs`` on that reaches the accuracy ``target``; more than ``most_epochs`` are an
    error. ``precision``: of the weights that are kept, ``"float16"`` or ``"float32"``. ``layout``: of images and
    weights in memory while they are trained, ``"contiguous"`` or ``"channels_last"``; it changes the last bits only.
    ``decay``: whether the learning rate falls to 0 by the last of ``most_epochs``, along a half cosine (Loshchilov and
    Hutter 2017, arXiv:1608.03983, equation 5 without restarts). ``noise``: what is added to an image whenever it is
    shown, normal, its standard deviation drawn between 0 and this, in the units of the images.
    """

    width: float
    initialization: str
    optimizer: str
    learning_rate: float
    target: float
    least_epochs: int
    most_epochs: int
    precision: str
    momentum: float = 0.0
    batch_size: int = 16
    gain: float = 1.0
    layout: str = "contiguous"
    decay: bool = False
    noise: float = 0.0

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        if not self.decay:
            return self.learning_rate
        return self.learning_rate * (1 + cos(pi * epoch / self.most_epochs)) / 2

    def facts(self) -> dict[str, Any]:
        """Return the recipe as JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if value != BEFORE.get(name)}
