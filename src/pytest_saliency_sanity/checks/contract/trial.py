"""Tries a method on one example after the other, and keeps the smallest on which it is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ...foundation.progress import advance
from ...methods.protocol import SaliencyMethod
from .networks import Example
from .promises import BrokenPromiseError, RefusalError, accepts, try_promises

# The most smaller examples to try. Of forty wrong methods of all kinds, none needs more than 22.
MOST_SHRINKS = 100
# How many networks that a method refused for small images are tried again with images of the run's size.
MOST_ENLARGED = 10
FORM = (3, 64, 64)  # if there are no images: those of the shipped networks


class EnoughShrinks(BaseException):
    """Enough smaller examples were tried."""


class Found(NamedTuple):
    """An example, and what was found on it, in words."""

    example: Example
    what: str


class Trial:
    """Tries a method on one example after the other.

    ``form``: the size ``(C, H, W)`` of the images of the run. ``tried``: on how many examples the method was put to the
    test. ``broken``: the smallest that broke the contract. ``refused``: the smallest whose network the method refuses;
    ``refusals``: how many there were. ``too_small``: how many were refused for their small images only.
    """

    def __init__(self, method: SaliencyMethod, form: tuple[int, int, int] = FORM) -> None:
        self.method = method
        self.form = form
        self.tried: int = 0
        self.shrinks: int = 0
        self.refusals: int = 0
        self.too_small: int = 0
        self.enlarged: int = 0
        self.broken: Found | None = None
        self.refused: Found | None = None

    def breaks(self, example: Example) -> bool:
        """Return whether the method breaks the contract on an example. Raises EnoughShrinks after ``MOST_SHRINKS``."""
        advance()
        if self.broken is None:
            return self._breaks(example)
        if self.shrinks == MOST_SHRINKS:
            raise EnoughShrinks
        self.shrinks += 1
        return self._breaks(example)

    def _breaks(self, example: Example) -> bool:
        searching = self.broken is None
        try:
            try_promises(self.method, example)
        except BrokenPromiseError as error:
            self._note_broken(example, str(error))
            broken = True
        except RefusalError as refusal:
            return self._is_at_fault(example, str(refusal))
        else:
            broken = False
        self.tried += searching
        return broken

    def _is_at_fault(self, example: Example, refusal: str) -> bool:
        """Return whether a method that raised broke the contract: it may refuse a network, or small images."""
        plain = replace(example, images=1, training=False, frozen=False)
        if plain != example and accepts(self.method, plain):
            self._note_broken(example, f"it raised {refusal}, but not for one image of this network in evaluation mode")
            return True
        if self.broken is not None:
            return False
        if example.form == self.form:
            self.refusals += 1
            if self.refused is None or size(plain) < size(self.refused.example):
                self.refused = Found(plain, refusal)
            return False
        if self.enlarged == MOST_ENLARGED:
            return False
        self.enlarged += 1
        refusals = self.refusals
        broken = self._breaks(replace(example, channels=self.form[0], size=self.form[1:]))
        self.too_small += self.refusals == refusals
        return broken

    def _note_broken(self, example: Example, how: str) -> None:
        if self.broken is None or size(example) <= size(self.broken.example):
            self.broken = Found(example, how)

    def shrink_refused(self) -> None:
        """Leave out layers of the refused network for as long as the method refuses it."""
        while self.refused is not None:
            layers = self.refused.example.layers
            fewer = (replace(self.refused.example, layers=layers[:i] + layers[i + 1 :]) for i in range(len(layers)))
            smaller = next((each for each in fewer if can_be_trained(each.layers) and self._refuses(each)), None)
            if smaller is None:
                return

    def _refuses(self, example: Example) -> bool:
        try:
            try_promises(self.method, example)
        except RefusalError as refusal:
            self.refused = Found(example, str(refusal))
            return True
        except BrokenPromiseError:
            pass
        return False


def can_be_trained(layers: Sequence[str]) -> bool:
    """Return whether a network has gradients, and enough positions are left at its end.

    The gradient of a ReLU needs its output, so no ReLU in place can follow it.
    """
    after_relu = any(
        second == "relu in place" and ("relu" in first or first == "residual sum") for first, second in pairwise(layers)
    )
    return not after_relu and sum("pool" in layer for layer in layers) < 2


def size(example: Example) -> tuple[int, ...]:
    """Return the size of an example, to compare it with others."""
    return (len(example.layers), example.images, *example.form, example.classes)
