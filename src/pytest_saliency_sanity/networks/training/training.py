"""Training a network until it is good enough on the images that it is judged by: the one loop of all of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from ...data.batch import Batch
from ...foundation.errors import CheckpointError
from ...foundation.inference import logits_of
from ..architectures import build_model
from .initialization import initialize
from .recipe import Recipe

OPTIMIZER = "optimizer."
STREAM = "random_stream."
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is learned, and what a training is judged by. All batches have targets.

    ``learned``: what every epoch shows. ``drawn``: if each shows something else, a function from its number, from 0, to
    what that is; ``learned`` is then what the first shows.
    ``judged_by``: images and labels of which the recipe's target share must be told rightly. ``called``: what these
    are, as in "80 % of the labels".
    """

    learned: Batch
    judged_by: Batch
    called: str
    classes: int
    drawn: Callable[[int], Batch] | None = None


@dataclass(frozen=True)
class Epoch:
    """What one epoch reached.

    ``loss`` and ``seen`` are means over the epoch, in training mode, as training scripts print them: the mean loss and
    the share of images that got their label when they were shown. ``accuracy`` is that of the weights after the epoch
    on the images that the training is judged by, in evaluation mode and in the precision that is kept.
    """

    loss: float
    seen: float
    accuracy: float


class TargetMissedError(CheckpointError):
    """A network does not reach its target within the epochs of its recipe."""


class Training:
    """A network while it is trained. It can be put down after any epoch and taken up again, to the same final weights.

    The weights depend on the arguments, the number of threads and the processor alone: to the last bit on a CPU; on a
    GPU up to the order of its additions (``AdaptiveAvgPool2d`` has no deterministic gradient there). The global random
    streams are left as found.

    ``make``: returns the untrained network; by default that of the name ``network`` is built and initialised.
    """

    def __init__(
        self,
        network: str,
        data: TrainingData,
        recipe: Recipe,
        seed: int,
        device: torch.device | str = "cpu",
        make: Callable[[], nn.Module] | None = None,
    ) -> None:
        self.network: str = network
        self.recipe: Recipe = recipe
        self.seed: int = seed
        self.device: torch.device = torch.device(device)
        self.data: TrainingData = data
        self.is_built: bool = make is None
        self.layout: torch.memory_format = LAYOUTS[recipe.layout]
        self._learned = self._placed(data.learned)
        judged_by = data.judged_by.to(self.device)
        self._judged_by, self._answers = judged_by.images, judged_by.targets
        self.history: list[Epoch] = []
        self._streams: dict[str, torch.Tensor] = {}
        with self._own_streams(seed):
            model = make() if make else self._built()
        self.model: nn.Module = model.to(self.device).to(memory_format=self.layout)
        self.optimizer: torch.optim.Optimizer = optimizer_of(self.model, recipe)

    def _built(self) -> nn.Module:
        model = build_model(self.network, self.recipe.width, self.data.classes)
        initialize(model, self.recipe.initialization, self.recipe.gain)
        return model

    @property
    def reached_target(self) -> bool:
        """Whether the network is good enough, after the least number of epochs."""
        return len(self.history) >= self.recipe.least_epochs and self.history[-1].accuracy >= self.recipe.target

    def epoch(self) -> Epoch:
        """Show the network every image once, in random order; return what that reached."""
        number = len(self.history)
        images, labels = self._placed(self.data.drawn(number)) if self.data.drawn else self._learned
        assert self._answers is not None
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate(number)
        with self._own_streams():
            loss, seen = train_epoch(
                self.model, self.optimizer, self._with_noise(images), labels, self.recipe.batch_size
            )
        reached = Epoch(loss, seen, accuracy(self._in_kept_precision(), self._judged_by, self._answers))
        self.history.append(reached)
        return reached

    def _placed(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the images and labels of a batch on the device, in the recipe's layout."""
        placed = batch.to(self.device)
        assert placed.targets is not None
        return placed.images.contiguous(memory_format=self.layout), placed.targets

    def _with_noise(self, images: torch.Tensor) -> torch.Tensor:
        """Return images with the recipe's noise, drawn anew."""
        if not self.recipe.noise:
            return images
        deviation = self.recipe.noise * torch.rand(len(images), 1, 1, 1)
        return images + (deviation * torch.randn(images.shape)).to(images.device).contiguous(memory_format=self.layout)

    def kept(self) -> nn.Module:
        """Return the network as it is kept: in evaluation mode, in plain layout, rounded if the recipe says so."""
        model = self._in_kept_precision()
        if self.layout is torch.contiguous_format:
            return model
        return copy.deepcopy(model).to(memory_format=torch.contiguous_format)

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all that an epoch changes, by name; ``history`` apart."""
        slots = self.optimizer.state_dict()["state"]
        return {
            **self.model.state_dict(),
            **{f"{OPTIMIZER}{row}.{name}": value for row, slot in slots.items() for name, value in slot.items()},
            **{f"{STREAM}{name}": state for name, state in self._streams.items()},
        }

    def take_up(self, tensors: Mapping[str, torch.Tensor], history: list[Epoch]) -> None:
        """Go on from where another training of the same arguments was put down.

        Raises LookupError, RuntimeError or ValueError if the tensors are not those of such a training.
        """
        of_model = {name: value for name, value in tensors.items() if not name.startswith((OPTIMIZER, STREAM))}
        self.model.load_state_dict(of_model)
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(OPTIMIZER):
                row, slot = name.removeprefix(OPTIMIZER).split(".")
                slots.setdefault(int(row), {})[slot] = value
        for number, parameter in enumerate(self.model.parameters()):
            if any(value.dim() and value.shape != parameter.shape for value in slots.get(number, {}).values()):
                raise ValueError(f"the optimiser keeps something of another shape for parameter {number}")
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})
        self._streams = {
            name.removeprefix(STREAM): value.cpu() for name, value in tensors.items() if name.startswith(STREAM)
        }
        if "cpu" not in self._streams or (self.device.type == "cuda" and "cuda" not in self._streams):
            raise KeyError(f"{STREAM}{self.device.type}")
        self.history = list(history)

    def _in_kept_precision(self) -> nn.Module:
        return rounded_to_half(self.model) if self.recipe.precision == "float16" else self.model.eval()

    @contextmanager
    def _own_streams(self, seed: int | None = None) -> Iterator[None]:
        """Let dropout and initialisers, which know no generator of their own, draw from this training's streams."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            if seed is None:
                torch.set_rng_state(self._streams["cpu"])
                for device in devices:
                    torch.cuda.set_rng_state(self._streams["cuda"], device)
            else:
                torch.manual_seed(seed)
            try:
                yield
            finally:
                self._streams = {"cpu": torch.get_rng_state()}
                for device in devices:
                    self._streams["cuda"] = torch.cuda.get_rng_state(device)


def epochs_of(training: Training) -> Iterator[tuple[int, Epoch]]:
    """Train until the target is reached; yield each epoch's number, from 1, and what it reached.

    Raises TargetMissedError, a CheckpointError, if that takes more than ``recipe.most_epochs``.
    """
    recipe = training.recipe
    while not training.reached_target:
        if len(training.history) >= recipe.most_epochs:
            width = ", a larger width" * training.is_built
            raise TargetMissedError(
                f"{training.network} reached only {training.history[-1].accuracy:.1%} of {training.data.called} after "
                f"{len(training.history)} epochs, not {recipe.target:.0%}: try another seed{width} or more epochs"
            )
        reached = training.epoch()
        yield len(training.history), reached


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of images that the model, in evaluation mode, gives the label."""
    return share_right(logits_of(model, images).argmax(1), labels)


def share_right(predicted: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of predicted classes that are the labels."""
    return float((predicted == labels).double().mean())


def optimizer_of(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over the model's parameters."""
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), recipe.learning_rate, momentum=recipe.momentum)
    return torch.optim.Adam(model.parameters(), recipe.learning_rate)


def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor, batch_size: int
) -> tuple[float, float]:
    """Show the model every image once, in random order; return the mean loss and the accuracy, in training mode."""
    model.train()
    total, right = 0.0, 0
    batches = [*torch.randperm(len(images)).split(batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1:  # of one image alone, BatchNorm may have nothing to normalise by
        batches[-2:] = [torch.cat(batches[-2:])]
    for rows in batches:
        optimizer.zero_grad()
        # Whatever the caller's mode: an interruption can come just before a context that switched gradients off ends.
        with torch.enable_grad():
            logits = model(images[rows])
            loss = F.cross_entropy(logits, labels[rows])
            loss.backward()
        optimizer.step()
        total += loss.item() * len(rows)
        right += int((logits.argmax(1) == labels[rows]).sum())
    return total / len(images), right / len(images)


def rounded_to_half(model: nn.Module) -> nn.Module:
    """Return a copy whose weights went through half precision, in evaluation mode: what a user will load."""
    return copy.deepcopy(model).half().float().eval()
