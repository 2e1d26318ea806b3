"""The user's cache folder: where it is, and the place of one trained or half-trained network in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from ...foundation.errors import CheckpointError
from ..training.claims import Claims, history_from_json, history_to_json
from ..training.family import Family
from ..training.training import Epoch, Training
from .files import unwritable
from .networks import network_with
from .record import read_facts, read_record, write_record

VARIABLE = "SALIENCY_SANITY_CACHE_DIR"
FORMAT = 1


def cache_folder(given: Path | str | None = None) -> Path:
    """Return the folder of trained networks: the given one, that of ``$SALIENCY_SANITY_CACHE_DIR``, or the user's."""
    if given or os.environ.get(VARIABLE):
        return Path(given or os.environ[VARIABLE]).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("pytest-saliency-sanity")


@dataclass(frozen=True)
class Entry:
    """The place of one trained network in a cache folder.

    The file's name holds a key of all that the weights depend on, so that a network of another recipe, of another
    version of this package, is never taken for this one.
    """

    folder: Path
    family: Family
    network: str
    labels: str

    @property
    def name(self) -> str:
        """As it is listed: ``alexnet-random``."""
        return f"{self.network}-{self.labels}"

    @property
    def key(self) -> str:
        """A digest of what the weights depend on."""
        family = self.family
        all_of_it = [
            FORMAT,
            self.network,
            self.labels,
            family.seed,
            family.data,
            family.recipe_of(self.network).facts(),
        ]
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True).encode()).hexdigest()[:10]

    @property
    def finished(self) -> Path:
        """The file of the trained network."""
        return self.folder / f"{self.name}-{self.key}.safetensors"

    @property
    def unfinished(self) -> Path:
        """The file of the training that goes on."""
        return self.folder / f"{self.name}-{self.key}.training.safetensors"

    @property
    def lock(self) -> Path:
        """The file that one process at a time holds to train."""
        return self.folder / f"{self.name}-{self.key}.lock"

    def claims(self) -> Claims | None:
        """Return what is claimed about the trained network; None if it is not trained yet."""
        return self._claims_from(read_facts(self.finished)) if self.finished.exists() else None

    def history(self) -> tuple[Epoch, ...]:
        """Return what each epoch reached, of the trained network or of the training that goes on."""
        if claims := self.claims():
            return claims.history
        return history_from_json(read_facts(self.unfinished)["history"]) if self.unfinished.exists() else ()

    def read(self) -> tuple[nn.Module, Claims]:
        """Return the trained network and its claims; CheckpointError, with what to do, if it is missing or damaged."""
        if not self.finished.exists():
            raise CheckpointError(
                f"{self.finished} is missing: train it with python -m pytest_saliency_sanity checkpoints train "
                f"--preset {self.family.name}"
            )
        try:
            weights, facts = read_record(self.finished)
        except CheckpointError as error:
            raise CheckpointError(f"{error}. Delete it: it is then trained again") from error
        claims = self._claims_from(facts)
        return network_with(claims, weights), claims

    def finish(self, weights: Mapping[str, torch.Tensor], claims: Claims) -> None:
        """Keep a trained network; what was kept of its training is no longer needed."""
        write_record(self.finished, weights, claims.to_json())
        self.unfinished.unlink(missing_ok=True)

    def put_down(self, training: Training, seconds: float) -> None:
        """Save a training, which took so long until now, so that it can be taken up again."""
        facts = {"history": history_to_json(training.history), "seconds": seconds}
        write_record(self.unfinished, training.tensors(), facts)

    def take_up(self, training: Training) -> tuple[float, str]:
        """Go on where the training was put down; return the seconds it had taken, and what the user should know."""
        if not self.unfinished.exists():
            return 0.0, ""
        try:
            tensors, facts = read_record(self.unfinished)
        except CheckpointError as error:
            return 0.0, f"{error}: the training starts anew"
        training.take_up(tensors, list(history_from_json(facts["history"])))
        return facts["seconds"], f"{self.name}: taken up after epoch {len(training.history)}"

    def _claims_from(self, facts: Mapping[str, Any]) -> Claims:
        try:
            return Claims.from_json(facts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{self.finished} is damaged: its claims cannot be read ({error!r})"
            raise CheckpointError(f"{problem}. Delete it: it is then trained again") from error

    @contextmanager
    def held(self, on_wait: Callable[[], object]) -> Iterator[None]:
        """Hold the lock, which the death of a process sets free; ``on_wait()`` is called once if another holds it.

        Raises CheckpointError if the folder can't be written to.
        """
        lock = FileLock(self.lock)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire()
        except OSError as error:
            raise unwritable(self.folder, error) from error
        try:
            yield
        finally:
            lock.release()
