"""Trains in plain sight: epoch, loss, accuracy, time left."""

from __future__ import annotations

from collections.abc import Callable

from ...foundation.progress import advance, expect, say, telling
from .training import Training, epochs_of


def train_in_sight(
    training: Training, name: str, expected: int = 0, note: str = "", after_epoch: Callable[[], object] = lambda: None
) -> None:
    """Train until the target is reached, and tell how far it is.

    ``expected``: how many epochs it will take, if that is more than the recipe's least. ``note``: said before the
    first. Raises CheckpointError if the target is not reached.
    """
    if note:
        say(note)
    with telling(name, "epochs"):
        expect(max(expected, training.recipe.least_epochs), done=len(training.history))
        for _, reached in epochs_of(training):
            advance(state=f"loss={reached.loss:.3f}, accuracy={reached.accuracy:.3f}")
            after_epoch()
