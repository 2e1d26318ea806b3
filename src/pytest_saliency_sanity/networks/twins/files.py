"""Trains a network into a file. An interrupted training is taken up where it was last saved."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...foundation.errors import CheckpointError, described
from ...foundation.files import takes_files
from ...foundation.progress import say
from ..resolve import resolve_own_network
from ..storage.files import unwritable
from ..storage.record import read_facts, read_record, write_record
from ..training.claims import history_from_json, history_to_json
from ..training.progress import train_in_sight
from ..training.training import Epoch, TargetMissedError, Training

SECONDS_BETWEEN_SAVES = 60.0
UNFINISHED = ".unfinished"


def train_into(file: Path, training: Training, facts: dict[str, Any], called: str, otherwise: str) -> list[Epoch]:
    """Train, write the weights, and return the epochs. What was trained already is left as it is.

    ``facts``: what the weights depend on, as JSON can hold it. ``called``: the network, in a few words.
    ``otherwise``: what to try if it does not reach its target.

    Raises CheckpointError if it does not, or if the folder takes no file.
    """
    if (known := trained_already(file, facts)) is not None:
        say(f"{file} is trained already")
        return known
    unfinished = file.with_name(file.name + UNFINISHED)
    seconds_before, note = take_up(training, unfinished, facts)
    begin, saved = time.monotonic(), time.monotonic()

    def facts_now() -> dict[str, Any]:
        seconds = seconds_before + time.monotonic() - begin
        return facts | {"history": history_to_json(training.history), "seconds": seconds}

    def save_now_and_then() -> None:
        nonlocal saved
        if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
            write(unfinished, training.tensors(), facts_now())
            saved = time.monotonic()

    try:
        train_in_sight(training, called, note=note, after_epoch=save_now_and_then)
    except KeyboardInterrupt:
        write(unfinished, training.tensors(), facts_now())
        raise
    except TargetMissedError as missed:
        raise CheckpointError(f"{missed}. Or {otherwise}") from missed
    write(file, training.kept().state_dict(), facts_now())
    unfinished.unlink(missing_ok=True)
    return training.history


def trained_already(file: Path, facts: dict[str, Any]) -> list[Epoch] | None:
    """Return the epochs of a file with these facts, or None if there is none."""
    if not os.path.exists(file):
        return None
    try:
        _, found = read_record(file)  # which looks whether it is damaged
        return list(history_from_json(found["history"])) if has(found, facts) else None
    except (CheckpointError, LookupError, TypeError, ValueError):
        return None  # it is written anew


def take_up(training: Training, unfinished: Path, facts: dict[str, Any]) -> tuple[float, str]:
    """Go on where a training of the same facts was put down; return the seconds it had taken, and what to tell."""
    if not os.path.exists(unfinished):
        return 0.0, ""
    try:
        tensors, found = read_record(unfinished)
        if not has(found, facts):
            return 0.0, f"{unfinished} is of another training: it starts anew"
        training.take_up(tensors, list(history_from_json(found["history"])))
        return float(found["seconds"]), f"taken up after epoch {len(training.history)}"
    except (CheckpointError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{unfinished} can't be taken up: delete it ({described(error)})") from error


def has(found: dict[str, Any], facts: dict[str, Any]) -> bool:
    """Return whether facts that were read have these among them."""
    return {name: found.get(name) for name in facts} == facts


def write(file: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Write a record whole or not at all. Raises CheckpointError if the folder takes no file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Layers that share a weight have it each.
        write_record(file, {name: tensor.detach().clone() for name, tensor in tensors.items()}, facts)
    except OSError as error:
        raise unwritable(file.parent, error) from error


def require_takes(file: Path, spec: str) -> None:
    """Raise ValueError unless a twin of ``spec`` can be written there, before it takes a training to find out."""
    if file.is_dir():
        raise ValueError(f"{file} is a folder: name a file")
    if file.exists() and (of := network_of(file)) != spec:
        what = f"is the twin of {of}" if of else "is no twin, or a damaged one"
        raise ValueError(f"{file} exists and {what}: name another file, or delete it")
    existing = next(path for path in file.absolute().parents if path.exists())
    if not takes_files(existing):
        raise ValueError(f"{file} can't be written to: name another file")


def network_of(file: Path) -> str:
    """Return the spec of the network whose twin a file holds, whole or damaged; empty if it is of another kind."""
    try:
        facts = read_facts(file)
    except CheckpointError:
        return ""
    return str(facts.get("of", "")) if "kind" in facts else ""


def load(spec: str, file: Path, kind: str) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network ``spec`` with the weights of a file, in evaluation mode on the CPU, and the file's facts.

    Raises CheckpointError if the file is missing or damaged, ValueError if it is of another network or kind.
    """
    tensors, facts = read_record(file.absolute())  # so that an error says where it was looked for
    if (facts.get("of"), facts.get("kind")) != (spec, kind):
        raise ValueError(f"{file} is the {facts.get('kind')} twin of {facts.get('of')}, not the {kind} one of {spec}")
    model = resolve_own_network(spec).float()
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{file} does not fit {spec}, which has changed since: train the twin again") from error
    return model.eval(), facts
