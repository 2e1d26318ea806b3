"""One step of a randomisation, and what every randomisation can be asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from ..foundation.errors import unknown_name


@dataclass(frozen=True)
class Stage:
    """The name of the layer reached, and the model at that point, in evaluation mode.

    ``dead`` says why the model can't be scored: its logits are not finite, or do not depend on the input; None where
    it can. ``retarget`` gives the classes explained here, from those explained before; None where they are the same.
    ``shift`` is what is added to every pixel here.
    """

    name: str
    model: nn.Module
    dead: str | None = None
    retarget: Callable[[torch.Tensor], torch.Tensor] | None = None
    shift: float = 0.0


class Randomization(Protocol):
    """What ``src_profile`` needs: the model as it was, and randomised versions of it by name.

    ``repeats``: whether another seed gives other versions. ``same_noise``: whether a method that draws random numbers
    finds the same ones before and after. ``given_images``: the images it was made for, if any.
    """

    model: nn.Module
    repeats: bool
    same_noise: bool
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


class OneStage:
    """A randomisation of one stage, whose name is ``stage``."""

    stage: str
    repeats = True
    same_noise = False
    given_images: torch.Tensor | None = None

    def names(self, at: str = "every") -> tuple[str, ...]:
        """Return the stages that ``at`` means: the only one there is. Raises ValueError for another stage."""
        if at not in ("every", "last", self.stage):
            raise unknown_name("stage", at, ("every", "last", self.stage))
        return (self.stage,)

    def stages(self, names: Collection[str] | None = None) -> Iterator[Stage]:
        """Yield the stage."""
        yield self.only()

    def __iter__(self) -> Iterator[Stage]:
        """Yield the stage."""
        return self.stages()

    def only(self) -> Stage:
        """Return the stage."""
        raise NotImplementedError
