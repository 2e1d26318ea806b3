"""Images to look at, and the classes to explain. The names are known without importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..foundation.errors import unknown_name

if TYPE_CHECKING:
    from .batch import Batch

DATASETS = ("mnist",)


def load_batch(name: str = "mnist", n: int = 100) -> Batch:
    """Return the first ``n`` held-out images of a data set, balanced by class, with their true labels as targets.

    ``"mnist"``: real digits in the paper's preprocessing (appendix B.5), images ``(n, 3, 64, 64)``, never seen by the
    shipped checkpoints; 1 <= n <= 1000.

    Raises ValueError for an unknown name or an ``n`` out of range.
    """
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    from .mnist import load_held_out

    return load_held_out(n)
