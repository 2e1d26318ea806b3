"""How a network is trained, in plain values, as they stand in the claims about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

# What every recipe had before these fields were there. Left out of the facts, so that the digests of networks that are
# trained already stay what they are.
BEFORE = {"gain": 1.0, "layout": "contiguous"}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    ``width``: as a share of the paper's. ``initialization``: a name in ``training.initialization``, with its ``gain``.
    ``optimizer``: ``"adam"`` (2015, arXiv:1412.6980) or ``"sgd"``, the one that has a ``momentum``. Training ends after
    the first epoch from ``least_epochs`` on that reaches the accuracy ``target``; more than ``most_epochs`` are an
    error. ``precision``: of the weights that are kept, ``"float16"`` or ``"float32"``. ``layout``: of images and
    weights in memory while they are trained, ``"contiguous"`` or ``"channels_last"``; it changes the last bits only.
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

    def facts(self) -> dict[str, Any]:
        """Return the recipe as JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if value != BEFORE.get(name)}
