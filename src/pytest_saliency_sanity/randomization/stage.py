"""One step of a randomisation, and what every randomisation can be asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


@dataclass(frozen=True)
class Stage:
    """The name of the layer reached, and the model at that point, in evaluation mode.

    ``dead`` says why the model can't be scored: its logits are not finite, or do not depend on the input; None where
    it can.
    """

    name: str
    model: nn.Module
    dead: str | None = None


class Randomization(Protocol):
    """What ``src_profile`` needs: the model as it was, and randomised versions of it by name.

    ``repeats``: whether another seed gives other versions. ``given_images``: the images it was made for, if any.
    """

    model: nn.Module
    repeats: bool
    given_images: torch.Tensor | None

    def bind(self, images: torch.Tensor, seed: int) -> Randomization:
        """Return the same randomisation for these images, with a seed derived from its own and ``seed``."""
        ...

    def names(self, at: str = "every") -> tuple[str, ...]:
        """Return the stages that ``at`` means, in order; ValueError where it means none."""
        ...

    def stages(self, names: Collection[str] | None = None) -> Iterator[Stage]:
        """Yield the named stages (default all). Use each before asking for the next."""
        ...

    def __iter__(self) -> Iterator[Stage]:
        """Yield all stages."""
        ...
