"""The data sets that exist, by name. Standard library only: a data set is named by the import path of its loader.

A data set is registered by an object of the class ``DataSet``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..foundation.imports import import_attribute
from ..foundation.registry import Registry

if TYPE_CHECKING:
    from .batch import Batch


@dataclass(frozen=True)
class DataSet:
    """A data set. ``load``: a function, or its import path, from ``n`` to the first ``n`` images as a ``Batch``."""

    name: str
    description: str
    load: str | Callable[[int], Batch]

    def batch(self, n: int) -> Batch:
        """Return the first ``n`` images; the loader raises ValueError if there are not so many."""
        load = import_attribute(self.load) if isinstance(self.load, str) else self.load
        batch: Batch = load(n)
        return batch


MNIST = DataSet(
    "mnist",
    "real digits in the paper's preprocessing (appendix B.5), never seen by the shipped networks",
    "pytest_saliency_sanity.data.mnist:load_held_out",
)

DATA_SETS = Registry("data set", DataSet, "saliency_sanity.data_sets", ("pytest_saliency_sanity.data.registry:MNIST",))


def load_batch(name: str = MNIST.name, n: int = 100) -> Batch:
    """Return the first ``n`` held-out images of a data set, balanced by class, with their true labels as targets.

    ``"mnist"``: real digits in the paper's preprocessing (appendix B.5), images ``(n, 3, 64, 64)``, never seen by the
    shipped checkpoints; 1 <= n <= 1000. Packages can add others by an entry point ``saliency_sanity.data_sets``.

    Raises ValueError for an unknown name or an ``n`` out of range.
    """
    return DATA_SETS.named(name).batch(n)
