"""The user's cache folder: where it is, and the place of one trained or half-trained network in it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...foundation.errors import CheckpointError
from ..training.claims import Claims, history_from_json, history_to_json
from ..training.family import Family
from ..training.training import Epoch, Training
from .files import unwritable
from .leftovers import ENDING, UNFINISHED, lock_of
from .locking import held
from .networks import network_with
from .record import read_facts, read_record, write_record

VARIABLE = "SALIENCY_SANITY_CACHE_DIR"
ELSEWHERE = f"name another with {VARIABLE} or --saliency-cache-dir"
FORMAT = 1


def cache_folder(given: Path | str | None = None) -> Path:
    """Return the folder of trained networks: the given one, that of ``$SALIENCY_SANITY_CACHE_DIR``, or the user's.

    Raises CheckpointError if that is in a home folder and the user has none.
    """
    from platformdirs import user_cache_path

    named = given or os.environ.get(VARIABLE)
    try:
        return Path(named or user_cache_path("pytest-saliency-sanity")).expanduser().resolve()
    except RuntimeError as error:
        what = named or "the cache of trained networks"
        raise CheckpointError(f"{what} is in a home folder, and there is none: {ELSEWHERE}") from error


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
        return self.folder / f"{self.name}-{self.key}{ENDING}"

    @property
    def unfinished(self) -> Path:
        """The file of the training that goes on."""
        return self.folder / f"{self.name}-{self.key}{UNFINISHED}"

    @property
    def lock(self) -> Path:
        """The file that one process at a time holds to train."""
        return lock_of(self.finished)

    def claims(self) -> Claims | None:
        """Return what is claimed about the trained network; None if it is not trained yet."""
        return self._claims_from(read_facts(self.finished)) if os.path.exists(self.finished) else None

    def history(self) -> tuple[Epoch, ...]:
        """Return what each epoch reached, of the trained network or of the training that goes on.

        Raises CheckpointError if the file is damaged.
        """
        if claims := self.claims():
            return claims.history
        return self._progress_in(read_facts(self.unfinished))[0] if os.path.exists(self.unfinished) else ()

    def read(self) -> tuple[nn.Module, Claims]:
        """Return the trained network and its claims; CheckpointError, with what to do, if it is missing or damaged."""
        if not os.path.exists(self.finished):
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
        """Keep a trained network. Raises CheckpointError if the folder takes no file."""
        with self._writing():
            write_record(self.finished, weights, claims.to_json())

    def put_down(self, training: Training, seconds: float) -> None:
        """Save a training, which took so long until now; CheckpointError if the folder takes no file."""
        facts = {"history": history_to_json(training.history), "seconds": seconds}
        with self._writing():
            write_record(self.unfinished, training.tensors(), facts)

    def take_up(self, training: Training) -> tuple[float, str]:
        """Go on where the training was put down; return the seconds it had taken, and what the user should know.

        Raises CheckpointError if the save is damaged; the training is then of no use.
        """
        if not os.path.exists(self.unfinished):
            return 0.0, ""
        tensors, facts = read_record(self.unfinished)
        history, seconds = self._progress_in(facts)
        try:
            training.take_up(tensors, list(history))
        except (RuntimeError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.unfinished} is damaged, or of a training on another device") from error
        return seconds, f"{self.name}: taken up after epoch {len(history)}"

    def _progress_in(self, facts: Mapping[str, Any]) -> tuple[tuple[Epoch, ...], float]:
        """Return what each epoch of a training that was put down reached, and the seconds that they took."""
        try:
            return history_from_json(facts["history"]), float(facts["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{self.unfinished} is damaged: how far it came can't be read ({error!r})") from error

    def _claims_from(self, facts: Mapping[str, Any]) -> Claims:
        try:
            return Claims.from_json(facts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"{self.finished} is damaged: its claims cannot be read ({error!r})"
            raise CheckpointError(f"{problem}. Delete it: it is then trained again") from error

    @contextmanager
    def held(self, on_wait: Callable[[], object], on_none: Callable[[str], object]) -> Iterator[Path | None]:
        """Hold the lock; as ``locking.held``, but with CheckpointError if the folder can't be written to."""
        with ExitStack() as stack:
            with self._writing():
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = stack.enter_context(held(self.lock, on_wait, on_none))
            yield lock

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self.folder, error, ELSEWHERE) from error
