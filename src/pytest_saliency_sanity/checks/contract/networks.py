"""Small random networks and images with short descriptions, so that an example that breaks the contract is readable."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import nn
from torch.nn import functional as F

# The simplest first, since hypothesis shrinks a failing example towards the front.
LAYERS = (
    *("relu", "functional relu", "relu in place", "shared relu", "conv", "depthwise conv"),
    *("max pool", "average pool", "batch norm", "group norm", "residual sum", "dead relu"),
)
HEADS = ("mean", "flatten")
WIDTH = 4  # channels of every hidden layer


@dataclass(frozen=True, repr=False)
class Example:
    """A complete description of a network, images and classes.

    ``layers`` follow a first convolution; ``head`` says how positions become features. ``images`` images of
    ``channels`` channels and ``size`` pixels, a side or ``(height, width)``, are explained. ``training``: whether the
    network is in training mode; ``frozen``: whether its first layer's parameters require no gradient. ``seed`` draws
    weights, images and classes.
    """

    layers: tuple[str, ...] = ()
    head: str = "mean"
    images: int = 1
    channels: int = 1
    size: int | tuple[int, int] = 6
    classes: int = 2
    training: bool = False
    frozen: bool = False
    seed: int = 0

    @property
    def form(self) -> tuple[int, int, int]:
        """The size ``(C, H, W)`` of each image."""
        height, width = (self.size, self.size) if isinstance(self.size, int) else self.size
        return self.channels, height, width

    def build(self) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
        """Return the network, images ``(N, C, H, W)`` and targets ``(N,)``, the same at every call."""
        generator = torch.Generator("cpu").manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):  # layers draw weights from the global stream, which are replaced below
            network = SmallNetwork(self)
        _fill(network, generator)
        network.train(self.training)
        if self.frozen:
            network.layers[0].requires_grad_(False)
        images = torch.randn(self.images, *self.form, generator=generator)
        # Images of different contrast, so that a method that normalises by batch is found out.
        images *= torch.tensor([1.0, 3.0, 0.3])[torch.arange(self.images) % 3].view(-1, 1, 1, 1)
        return network, images, torch.randint(self.classes, (self.images,), generator=generator)

    def __repr__(self) -> str:
        other = [each for each in fields(self) if getattr(self, each.name) != each.default]
        return f"Example({', '.join(f'{each.name}={getattr(self, each.name)!r}' for each in other)})"

    def __str__(self) -> str:
        return (
            f"network: {self.network}{'; in training mode' * self.training}{'; first layer frozen' * self.frozen}\n"
            f"images: {self.images} of {' x '.join(map(str, self.form))}; {self.classes} classes"
        )

    @property
    def network(self) -> str:
        """The layers of the network, in order, in words."""
        return ", ".join(("conv", *self.layers, self.head, "linear"))


class SmallNetwork(nn.Module):
    """The network that an ``Example`` describes."""

    def __init__(self, example: Example) -> None:
        super().__init__()
        shared = nn.ReLU()
        self.layers: nn.ModuleList = nn.ModuleList([nn.Conv2d(example.channels, WIDTH, 3, padding=1)])
        self.layers.extend(_layer(kind, shared) for kind in example.layers)
        self.head: str = example.head
        halvings = sum("pool" in kind for kind in example.layers)
        _, height, width = (side // 2**halvings for side in example.form)
        self.classifier: nn.Linear = nn.Linear(
            WIDTH * (height * width if self.head == "flatten" else 1), example.classes
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(N, classes)``."""
        values = images
        for layer in self.layers:
            values = layer(values)
        logits: torch.Tensor = self.classifier(values.flatten(1) if self.head == "flatten" else values.mean((2, 3)))
        return logits


class FunctionalReLU(nn.Module):
    """A ReLU applied by a function call, so that there is no ``nn.ReLU`` module to find."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return the values, clipped at 0."""
        return F.relu(values)


class DeadReLU(nn.Module):
    """A ReLU that lets nothing through, as in a dead network: every gradient below it is exactly 0."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return zeros."""
        return F.relu(values - 1e6)


class ResidualSum(nn.Module):
    """A convolution whose input is added to its output, in place, as in residual networks."""

    def __init__(self) -> None:
        super().__init__()
        self.conv: nn.Conv2d = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.relu: nn.ReLU = nn.ReLU(inplace=True)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return relu(conv(values) + values)."""
        out = self.conv(values)
        out += values
        return self.relu(out)  # type: ignore[no-any-return]


def _layer(kind: str, shared: nn.Module) -> nn.Module:
    layers = {
        "relu": nn.ReLU,
        "functional relu": FunctionalReLU,
        "relu in place": lambda: nn.ReLU(inplace=True),
        "shared relu": lambda: shared,
        "conv": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
        "depthwise conv": lambda: nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH),
        "max pool": lambda: nn.MaxPool2d(2),
        "average pool": lambda: nn.AvgPool2d(2),
        "batch norm": lambda: nn.BatchNorm2d(WIDTH),
        "group norm": lambda: nn.GroupNorm(2, WIDTH),
        "residual sum": ResidualSum,
        "dead relu": DeadReLU,
    }
    return layers[kind]()  # type: ignore[no-any-return, operator]


def _fill(network: nn.Module, generator: torch.Generator) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            fan_in = parameter[0].numel() if parameter.ndim > 1 else 4
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5)
        for name, buffer in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
