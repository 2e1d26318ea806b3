"""Narrow networks that are trained in a moment: the same code as the real ones, in this process or in others."""

from __future__ import annotations

import io
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pytest_saliency_sanity.data.batch import Batch
from pytest_saliency_sanity.foundation import displays
from pytest_saliency_sanity.networks.presets.embedded import digits
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS
from pytest_saliency_sanity.networks.presets.paper import recipes
from pytest_saliency_sanity.networks.presets.paper.recipes import FAMILY
from pytest_saliency_sanity.networks.storage import cached
from pytest_saliency_sanity.networks.storage.entry import Entry
from pytest_saliency_sanity.networks.training.claims import Measured
from pytest_saliency_sanity.networks.training.digits import HELD_OUT, TRAINING, load_digits
from pytest_saliency_sanity.networks.training.family import Family, count_parameters
from pytest_saliency_sanity.networks.training.training import Training, TrainingData, epochs_of

# What is slow to import is imported once, there, instead of anew for every training; torch._dynamo is what the first
# optimiser imports. Before Python 3.13 only what is installed can be: the path of the tests is not known there.
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([cached.__name__, recipes.__name__, digits.__name__, "torch._dynamo", "pytest"])


def with_recipe(family: Family, **values: Any) -> Family:
    """Return the same family with other values in its recipe."""
    return replace(family, recipe=replace(family.recipe, **values))


TINY = with_recipe(DIGITS, width=0.05, target=0.0, least_epochs=1, most_epochs=2)
NARROW = with_recipe(FAMILY, width=0.04, target=0.0, least_epochs=6, most_epochs=6)


def _few_digits(kind: str, seed: int) -> TrainingData:
    all_of_them = load_digits(kind, seed).learned
    assert all_of_them.targets is not None
    few = Batch(all_of_them.images[:20], all_of_them.targets[:20])
    return TrainingData(few, few, "the labels", 10)


def _not_measured(model: nn.Module, kind: str, seed: int) -> Measured:
    return Measured(count_parameters(model), {TRAINING: 1.0, HELD_OUT: 0.1})


# Trained in a tenth of a second: three epochs of twenty digits.
SWIFT = replace(
    with_recipe(NARROW, least_epochs=3, most_epochs=3, width=0.02),
    load=_few_digits,
    measure=_not_measured,
)


def entry_in(folder: Path, family: Family = NARROW) -> Entry:
    """Return the place of a network that learns random labels."""
    return Entry(folder, family, "alexnet", "random")


def trained(family: Family = TINY, network: str = "alexnet", kind: str = "random") -> Training:
    """Return a training that is over."""
    training = family.training(network, kind)
    for _ in epochs_of(training):
        pass
    return training


def bytes_of(model: nn.Module) -> dict[str, bytes]:
    """Return the weights of a network, to be compared bit for bit."""
    return {name: tensor.contiguous().numpy().tobytes() for name, tensor in model.state_dict().items()}


class TrainingProcess:
    """A process of its own that trains the network of ``entry_in``, and saves after every epoch.

    ``family``: its own, if not that of ``most_epochs``. ``most_bytes``: of any file that it writes; the system refuses
    more, as a full disk does. ``first``: what it does before, as a function that can be pickled.
    """

    def __init__(
        self,
        folder: Path,
        most_epochs: int = 6,
        most_bytes: int | None = None,
        family: Family | None = None,
        first: Callable[[], object] | None = None,
    ) -> None:
        self.told = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.txt")
        entry = entry_in(folder, family or with_recipe(NARROW, least_epochs=most_epochs, most_epochs=most_epochs))
        self.process: ForkServerProcess = FORKS.Process(
            target=_train, args=(entry, self.told, most_bytes, first), daemon=True
        )
        self.process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self.process.pid is not None
        return self.process.pid

    def wait_for(self, file: Path) -> None:
        """Wait until it has written a file; AssertionError if it ends without."""
        while not file.exists():
            assert self.process.is_alive(), self.told.read_text()
            time.sleep(0.01)

    def end(self) -> tuple[int | None, str]:
        """Wait for its end; return its exit status and what it wrote to standard error."""
        self.process.join()
        return self.process.exitcode, self.told.read_text()


def _train(entry: Entry, told: Path, most_bytes: int | None, first: Callable[[], object] | None) -> None:
    output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 2)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), line_buffering=True, write_through=True)
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    torch.set_num_threads(1)
    cached.SECONDS_BETWEEN_SAVES = -1.0
    displays.INTERVAL = 0.0
    if first:
        first()
    cached.train_entry(entry)
