"""A stage of a randomisation, and the protocol of randomisations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import nn

from ..foundation.errors import unknown_name
from .dead import cause_of_death, is_clearly_alive


@dataclass(frozen=True)
class Stage:
    """The name of the layer reached, and the model at that point, in evaluation mode.

    ``alive_on``: images on which it is found out whether the model is dead; None if it is known not to be.
    ``retarget``: turns the classes explained before, of the first images, into those explained here; None if they are
    the same. ``shift``: the constant added to every pixel. ``first_changed``: the first module executed that differs
    from the original's, if those before it are the same.
    """

    name: str
    model: nn.Module
    alive_on: torch.Tensor | None = None
    retarget: Callable[[torch.Tensor], torch.Tensor] | None = None
    shift: float = 0.0
    first_changed: str | None = None

    @cached_property
    def dead(self) -> str | None:
        """Why the model can't be scored: its logits are not finite, or do not depend on the input; None if it can."""
        return None if self.alive_on is None else cause_of_death(self.model, self.alive_on)

    def cause_of_death(self, heard: Sequence[torch.Tensor]) -> str | None:
        """Return the same as ``dead``, without running the model if the logits heard from it show that it is alive."""
        alive = all(bool(each.isfinite().all()) for each in heard) and any(map(is_clearly_alive, heard))
        return None if alive else self.dead


class Randomization(Protocol):
    """What ``src_profile`` needs: the original model, and randomised versions of it by name.

    ``repeats``: whether another seed gives other versions. ``same_noise``: whether a method that draws random numbers
    gets the same ones before and after. ``given_images``: the images it was made for, if any.
    """

    model: nn.Module
    repeats: bool
    same_noise: bool
    given_images: torch.Tensor | None

    def bind(self, images: torch.Tensor, seed: int) -> Randomization:
        """Return the same randomisation for these images, with a seed derived from its own and ``seed``."""
        ...

    def names(self, at: str = "every") -> tuple[str, ...]:
        """Return the stages that ``at`` means, in order. Raises ValueError if it means none."""
        ...

    def stages(self, names: Collection[str] | None = None) -> Iterator[Stage]:
        """Yield the named stages (default: all). Use each before asking for the next."""
        ...

    def __iter__(self) -> Iterator[Stage]:
        """Yield all stages."""
        ...


class OneStage:
    """A randomisation with a single stage, named ``stage``."""

    stage: str
    repeats = True
    same_noise = False
    given_images: torch.Tensor | None = None

    def names(self, at: str = "every") -> tuple[str, ...]:
        """Return the only stage. Raises ValueError if ``at`` means another one."""
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
