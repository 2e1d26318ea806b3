"""A twin of a user's own network that memorised random labels, so that label randomisation is asked of it too.

    python -m pytest_saliency_sanity checkpoints twin package.module:factory --saliency-data package.module:batch

It starts from new weights, not from the trained ones, which would keep what was learned from the true labels (Adebayo
et al. 2018, section 4).
"""

from __future__ import annotations

import os
import time
from argparse import Namespace
from dataclasses import dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..data.batch import Batch
from ..data.named import images_named
from ..foundation.devices import resolve_device
from ..foundation.errors import CheckpointError, described
from ..foundation.inference import images_for, logits_of
from ..foundation.randomness import derived_seed
from .resolve import require_network_spec, resolve_own_network
from .storage.files import unwritable
from .storage.record import digest, read_record, write_record
from .training.claims import history_from_json, history_to_json
from .training.progress import train_in_sight
from .training.recipe import Recipe
from .training.training import TargetMissedError, Training, TrainingData

LEAST_TO_MEMORIZE = 50  # images; fewer are told apart by next to nothing
SECONDS_BETWEEN_SAVES = 60.0
UNFINISHED = ".unfinished"
TARGET = 0.95


@dataclass(frozen=True)
class Twin:
    """What a twin is made from. ``spec``: of the network; ``batch``: the images to memorise."""

    spec: str
    batch: Batch
    seed: int = 0
    learning_rate: float = 1e-3
    most_epochs: int = 300

    def training(self, device: torch.device) -> Training:
        """Return the training at its beginning. Raises ValueError if the network does not take the images."""
        model = resolve_own_network(self.spec).to(device)
        images = images_for(model, self.batch.images)
        try:
            classes = logits_of(model, images[:2]).shape[1]
        except Exception as error:  # a network can raise anything for images that do not fit it
            raise ValueError(
                f"{self.spec} can't be run on the images {tuple(images.shape)}: {described(error)}"
            ) from error
        if classes < 2:
            raise ValueError(f"{self.spec} has one class only: pytest_saliency_sanity.Logits(model) makes two of it")
        labels = torch.randint(
            classes, (len(images),), generator=torch.Generator().manual_seed(derived_seed("twin", self.seed))
        )
        learned = Batch(images.float(), labels.to(images.device))
        return Training(
            self.spec,
            TrainingData(learned, learned, "the random labels", classes),
            self.recipe,
            self.seed,
            device,
            make=partial(renewed, model),
        )

    @property
    def recipe(self) -> Recipe:
        """How it is trained."""
        return Recipe(
            width=1.0,
            initialization="",
            optimizer="adam",
            learning_rate=self.learning_rate,
            target=TARGET,
            least_epochs=1,
            most_epochs=self.most_epochs,
            precision="float32",
        )


def renewed(model: nn.Module) -> nn.Module:
    """Return a network with new weights, in float32: each module that knows how is reset, as when it was made.

    Raises ValueError if none does.
    """
    resets: list[Any] = [getattr(module, "reset_parameters", None) for module in model.modules()]
    if not any(map(callable, resets)):
        raise ValueError(f"no module of {type(model).__name__} has reset_parameters, which draws new weights")
    for reset in filter(callable, resets):
        reset()
    return model.float()


def train_twin(twin: Twin, file: Path, device: torch.device) -> Training:
    """Train a twin and write its weights; an interrupted training is taken up where it was last saved.

    Raises CheckpointError if it does not memorise the labels or the folder takes no file, ValueError as ``training``.
    """
    training, unfinished = twin.training(device), file.with_name(file.name + UNFINISHED)
    seconds_before, note = take_up(training, unfinished, facts_of(twin))
    begin, saved = time.monotonic(), time.monotonic()

    def facts() -> dict[str, Any]:
        seconds = seconds_before + time.monotonic() - begin
        return facts_of(twin) | {"history": history_to_json(training.history), "seconds": seconds}

    def save_now_and_then() -> None:
        nonlocal saved
        if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
            write(unfinished, training.tensors(), facts())
            saved = time.monotonic()

    try:
        train_in_sight(training, f"twin of {twin.spec}", note=note, after_epoch=save_now_and_then)
    except KeyboardInterrupt:
        write(unfinished, training.tensors(), facts())
        raise
    except TargetMissedError as missed:
        raise CheckpointError(
            f"{missed}. Or memorise fewer images: this network may be too small for {len(twin.batch)}"
        ) from missed
    write(file, training.kept().state_dict(), facts())
    unfinished.unlink(missing_ok=True)
    return training


def take_up(training: Training, unfinished: Path, facts: dict[str, Any]) -> tuple[float, str]:
    """Go on where a training of the same facts was put down; return the seconds it had taken, and what to tell."""
    if not os.path.exists(unfinished):
        return 0.0, ""
    try:
        tensors, found = read_record(unfinished)
        if {name: found.get(name) for name in facts} != facts:
            return 0.0, f"{unfinished} is of another training: it starts anew"
        training.take_up(tensors, list(history_from_json(found["history"])))
        return float(found["seconds"]), f"taken up after epoch {len(training.history)}"
    except (CheckpointError, LookupError, RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{unfinished} can't be taken up: delete it ({described(error)})") from error


def facts_of(twin: Twin) -> dict[str, Any]:
    """Return what the weights of a twin depend on."""
    images = digest({"images": twin.batch.images.cpu().contiguous()}, "")
    return {"of": twin.spec, "images": images, "seed": twin.seed, "recipe": twin.recipe.facts()}


def write(file: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Write a record whole or not at all. Raises CheckpointError if the folder takes no file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Layers that share a weight have it each.
        write_record(file, {name: tensor.detach().clone() for name, tensor in tensors.items()}, facts)
    except OSError as error:
        raise unwritable(file.parent, error) from error


def load_twin(spec: str, file: Path | str) -> nn.Module:
    """Return the twin of a network that memorised random labels, in evaluation mode, in float32 on the CPU.

    ``spec``: that of the network, ``package.module:factory``. ``file``: as ``checkpoints twin`` wrote it.

    Raises CheckpointError if the file is missing or damaged, ValueError if it is that of another network.
    """
    tensors, facts = read_record(Path(file))
    if facts.get("of") != spec:
        raise ValueError(f"{file} is the twin of {facts.get('of')}, not of {spec}")
    model = resolve_own_network(spec).float()
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ValueError(f"{file} does not fit {spec}, which has changed since: train the twin again") from error
    return model.eval()


def make_twin(options: Namespace) -> int:
    """Train the twin that the options mean, and say how it is used; 0, or 1 if it does not memorise the labels.

    Raises ValueError for a network or images that can't be had.
    """
    try:
        require_network_spec(options.network, ())
        batch = images_named(options.data)
        if not (options.epochs >= 1 and 0 < options.learning_rate < inf):
            raise ValueError(f"epochs must be 1 or more, not {options.epochs}, and the learning rate above 0")
        count = len(batch) if options.images is None else min(len(batch), options.images)
        if count < LEAST_TO_MEMORIZE:
            raise ValueError(f"{count} images of {options.data}: give at least {LEAST_TO_MEMORIZE} to memorise")
        batch = batch.first(count)
        twin = Twin(options.network, batch, options.seed, options.learning_rate, options.epochs)
        training = train_twin(twin, options.output, resolve_device(options.device))
    except (ImportError, TypeError) as error:
        raise ValueError(str(error)) from error
    last = training.history[-1]
    print(f"{options.output}: {last.accuracy:.1%} of {len(batch)} random labels, {len(training.history)} epochs")
    print(USE.format(spec=options.network, file=options.output))
    return 0


USE = """Put this into the conftest of the folder that pytest is given:

import pytest
from pytest_saliency_sanity import load_twin

@pytest.fixture
def saliency_memorized_model(saliency_device):
    return load_twin("{spec}", "{file}").to(saliency_device)"""
