"""The bar that tells of a training: epoch, loss, accuracy, time left."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from tqdm import tqdm

from .training import Epoch, Training, epochs_of


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


def train_in_sight(
    training: Training, name: str, expected: int = 0, note: str = "", after_epoch: Callable[[], object] = lambda: None
) -> None:
    """Train until the target is reached, and show how far it is.

    ``expected``: how many epochs it will take, if that is more than the recipe's least. ``note``: said before the
    first. Raises CheckpointError if the target is not reached.
    """
    total = max(expected, training.recipe.least_epochs)
    with Progress(name, total, done=len(training.history)) as progress:
        if note:
            progress.say(note)
        for number, reached in epochs_of(training):
            progress.show(number, reached)
            after_epoch()
