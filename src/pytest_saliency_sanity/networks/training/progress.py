"""The bar that tells of a training: epoch, loss, accuracy, time left."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from tqdm import tqdm

from .memorize import Epoch


class Progress:
    """A progress bar on standard error. ``total``: how many epochs are expected; more are shown without an end."""

    def __init__(self, name: str, total: int, done: int = 0) -> None:
        self.bar: tqdm[Any] = tqdm(desc=name, total=total, initial=done, unit="epoch")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.bar.close()

    def show(self, number: int, reached: Epoch) -> None:
        """Show what an epoch reached."""
        self.bar.update(number - self.bar.n)
        self.bar.set_postfix(loss=f"{reached.loss:.3f}", accuracy=f"{reached.accuracy:.3f}")

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self.bar.write(text, file=self.bar.fp)
