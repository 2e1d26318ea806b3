"""Training on 200 images until they are memorised, with true labels or with random ones (the paper, 4.1 and B.1)."""

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
from .recipes import Recipe

OPTIMIZER = "optimizer."
STREAM = "random_stream."

OnEpoch = Callable[[int, float, float], None]


@dataclass(frozen=True)
class Epoch:
    """What one epoch reached.

    ``loss`` and ``seen`` are means over the epoch, in training mode, as training scripts print them: the mean loss and
    the share of images that got their label when they were shown. ``accuracy`` is that of the weights after the epoch,
    in evaluation mode and in the precision that is kept.
    """

    loss: float
    seen: float
    accuracy: float


class Training:
    """A network while it is trained. It can be put down after any epoch and taken up again, to the same final weights.

    The weights depend on the arguments, the number of threads and the processor alone: to the last bit on a CPU; on a
    GPU up to the order of its additions (``AdaptiveAvgPool2d`` has no deterministic gradient there). The global random
    streams are left as found.
    """

    def __init__(
        self, network: str, data: Batch, recipe: Recipe, seed: int, device: torch.device | str = "cpu"
    ) -> None:
        assert data.targets is not None
        self.network, self.recipe, self.device = network, recipe, torch.device(device)
        self.data = data.to(self.device)
        self.history: list[Epoch] = []
        self._streams: dict[str, torch.Tensor] = {}
        with self._own_streams(seed):
            self.model = initialized(build_model(network, recipe.width), recipe.initialization).to(self.device)
        self.optimizer = optimizer_of(self.model, recipe)

    @property
    def memorized(self) -> bool:
        """Whether the labels are memorised, after the least number of epochs."""
        return len(self.history) >= self.recipe.least_epochs and self.history[-1].accuracy >= self.recipe.target

    def epoch(self) -> Epoch:
        """Show the network every image once, in random order; return what that reached."""
        assert self.data.targets is not None
        with self._own_streams():
            loss, seen = train_epoch(
                self.model, self.optimizer, self.data.images, self.data.targets, self.recipe.batch_size
            )
        reached = Epoch(loss, seen, accuracy(self.kept(), self.data.images, self.data.targets))
        self.history.append(reached)
        return reached

    def kept(self) -> nn.Module:
        """Return the network as it is kept: in evaluation mode, its weights rounded where the recipe says so."""
        return rounded_to_half(self.model) if self.recipe.precision == "float16" else self.model.eval()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return all that an epoch changes, by name; ``history`` apart."""
        slots = self.optimizer.state_dict()["state"]
        return {
            **self.model.state_dict(),
            **{f"{OPTIMIZER}{row}.{name}": value for row, slot in slots.items() for name, value in slot.items()},
            **{f"{STREAM}{name}": state for name, state in self._streams.items()},
        }

    def take_up(self, tensors: Mapping[str, torch.Tensor], history: list[Epoch]) -> None:
        """Go on from where another training of the same arguments was put down."""
        of_model = {name: value for name, value in tensors.items() if not name.startswith((OPTIMIZER, STREAM))}
        self.model.load_state_dict(of_model)
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith(OPTIMIZER):
                row, slot = name.removeprefix(OPTIMIZER).split(".")
                slots.setdefault(int(row), {})[slot] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": slots})
        self._streams = {
            name.removeprefix(STREAM): value.cpu() for name, value in tensors.items() if name.startswith(STREAM)
        }
        self.history = list(history)

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


def memorize(network: str, data: Batch, recipe: Recipe, seed: int, on_epoch: OnEpoch) -> tuple[nn.Module, int]:
    """Train a network on all of ``data`` until ``recipe.target``; return it, in evaluation mode, and the epochs taken.

    ``on_epoch`` is told the epoch, the mean loss and the accuracy.

    Raises CheckpointError where the target is not reached within ``recipe.most_epochs``.
    """
    training = Training(network, data, recipe, seed)
    for number, reached in epochs_of(training):
        on_epoch(number, reached.loss, reached.accuracy)
    return training.kept(), len(training.history)


def epochs_of(training: Training) -> Iterator[tuple[int, Epoch]]:
    """Train until the labels are memorised; yield each epoch's number, from 1, and what it reached.

    Raises CheckpointError where that takes more than ``recipe.most_epochs``.
    """
    recipe = training.recipe
    while not training.memorized:
        if len(training.history) >= recipe.most_epochs:
            raise CheckpointError(
                f"{training.network} reached only {training.history[-1].accuracy:.1%} of the labels after "
                f"{len(training.history)} epochs, not {recipe.target:.0%}: try another seed, a larger width or more "
                "epochs"
            )
        reached = training.epoch()
        yield len(training.history), reached


def random_labels(labels: torch.Tensor, seed: int) -> torch.Tensor:
    """Return the labels in random order (Adebayo et al. 2018, section 3.2): balanced as before, and meaningless."""
    return labels[torch.randperm(len(labels), generator=torch.Generator("cpu").manual_seed(seed))]


def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of images that the model, in evaluation mode, gives the label."""
    return float((logits_of(model, images).argmax(1) == labels).double().mean())


def initialized(model: nn.Module, initialization: str) -> nn.Module:
    """Give convolutions and linear layers He et al.'s normal weights and zero biases, in place; or leave PyTorch's."""
    if initialization == "pytorch":
        return model
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return model


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
    for rows in torch.randperm(len(images)).split(batch_size):
        optimizer.zero_grad()
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
