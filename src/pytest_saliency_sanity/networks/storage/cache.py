"""The user's cache folder: where it is, and what trained and half-trained networks lie in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ...data.mnist import SPLIT
from ...foundation.errors import CheckpointError
from ..training.recipes import Recipe
from .files import unwritable
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
    network: str
    labels: str
    recipe: Recipe
    seed: int

    @property
    def name(self) -> str:
        """As it is listed: ``alexnet-random``."""
        return f"{self.network}-{self.labels}"

    @property
    def key(self) -> str:
        """A digest of what the weights depend on."""
        all_of_it = [FORMAT, self.network, self.labels, self.seed, SPLIT, vars(self.recipe)]
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

    def claims(self) -> dict[str, Any] | None:
        """Return what is claimed about the trained network, None where it is not trained yet."""
        return read_facts(self.finished) if self.finished.exists() else None

    def read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the weights and the claims; CheckpointError, with what to do, where the file is damaged."""
        if not self.finished.exists():
            raise CheckpointError(
                f"{self.finished} is missing: train it with python -m pytest_saliency_sanity checkpoints train "
                "--preset paper"
            )
        try:
            return read_record(self.finished)
        except CheckpointError as error:
            raise CheckpointError(f"{error}. Delete it: it is then trained again") from error

    def finish(self, weights: dict[str, Any], claims: dict[str, Any]) -> None:
        """Keep a trained network; what was kept of its training is no longer needed."""
        write_record(self.finished, weights, claims)
        self.unfinished.unlink(missing_ok=True)

    @contextmanager
    def held(self, on_wait: Any) -> Iterator[None]:
        """Hold the lock, which the death of a process sets free; ``on_wait()`` is called once if another holds it.

        Raises CheckpointError where the folder can't be written to.
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
