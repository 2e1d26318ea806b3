"""Notices what a method does that is not wrong, but costs memory: who asks a question may say so with a figure.

with observing() as habits:
    ...  # calls of the method
habits.kept, habits.printed
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch

MOST_PRINTED = 100_000  # characters that are let through, of the calls of one question
LITTLE = 2**20  # bytes: what is kept at least before it is looked for more closely


@dataclass
class Habits:
    """What was noticed.

    ``larger``: the sizes of maps that were larger than the images, in words. ``printed``: how many characters were
    printed. ``kept``: how many bytes of the tensors that a method was given, or returned, are still held at the end.
    """

    larger: str = ""
    printed: int = 0
    kept: int = 0
    _tensors: list[weakref.ref[torch.Tensor]] = field(default_factory=list, repr=False)

    def count_kept(self) -> None:
        """Count what is still held."""
        self.kept = self._held()
        if self.kept > LITTLE:  # in cycles, perhaps, that nobody holds
            gc.collect()
            self.kept = self._held()

    def told(self) -> dict[str, Any]:
        """Return what there is to tell, JSON primitives by name; nothing if there is nothing."""
        printed = self.printed if self.printed > MOST_PRINTED else 0
        noticed = {"larger": self.larger, "kept": self.kept, "printed": printed}
        return noticed if any(noticed.values()) else {}

    def _held(self) -> int:
        tensors = [tensor for each in self._tensors if (tensor := each()) is not None]
        return sum({tensor.data_ptr(): tensor.nbytes for tensor in tensors}.values())


_observed: ContextVar[Habits | None] = ContextVar("what is noticed about a method", default=None)


@contextmanager
def observing() -> Iterator[Habits]:
    """Notice what methods do within the context. More than ``MOST_PRINTED`` characters are counted, but not shown."""
    token = _observed.set(habits := Habits())
    try:
        yield habits
    finally:
        _observed.reset(token)
        habits.count_kept()


def notice_tensor(tensor: object) -> None:
    """Notice a tensor that a method was given or returned, and that nobody but the method should hold for long."""
    habits = _observed.get()
    if habits is not None and type(tensor) is torch.Tensor:
        habits._tensors.append(weakref.ref(tensor))


def notice_larger(maps: torch.Tensor, images: torch.Tensor) -> None:
    """Notice maps that are larger than the images."""
    habits = _observed.get()
    if habits is not None:
        sizes = [" x ".join(map(str, each.shape[-2:])) for each in (maps, images)]
        habits.larger = f"{sizes[0]} for images of {sizes[1]}"


@contextmanager
def quietly() -> Iterator[None]:
    """Let through only so much of what is printed within the context, if it is observed and captured."""
    habits = _observed.get()
    if habits is None or sys.stdout is sys.__stdout__:
        yield
        return
    before = sys.stdout, sys.stderr
    limited = sys.stdout, sys.stderr = _Limited(before[0], habits), _Limited(before[1], habits)
    try:
        yield
    finally:
        if (sys.stdout, sys.stderr) == limited:
            sys.stdout, sys.stderr = before


class _Limited:
    """A stream that counts what is written to it, and lets only the first of it through."""

    def __init__(self, stream: Any, habits: Habits) -> None:
        self._stream = stream
        self._habits = habits

    def write(self, text: str) -> int:
        left = MOST_PRINTED - self._habits.printed
        self._habits.printed += len(text)
        if left > 0:
            self._stream.write(text[:left])
            if len(text) >= left:
                self._stream.write("\n[more is not shown]\n")
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
