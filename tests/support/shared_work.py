"""Networks written in all the ways that make it hard to share passes between the stages of a cascade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from support.networks import fill
from torch import nn
from torch.nn import functional as F

Written = Callable[[], nn.Module]
SIZE = (3, 12, 12)  # of the images that they take
CLASSES = 5


class Net(nn.Module):
    """Three convolutions and two linear layers. How they are put together is up to those that inherit from it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, padding=1)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.conv3 = nn.Conv2d(4, 4, 3, padding=1)
        self.pool, self.flat = nn.AdaptiveAvgPool2d(3), nn.Flatten()
        self.hidden, self.fc = nn.Linear(36, 8), nn.Linear(8, CLASSES)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv3(F.relu(self.conv2(F.relu(self.conv1(images))))))
        return self.head(values)

    def head(self, values: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc(F.relu(self.hidden(self.flat(self.pool(values)))))
        return logits


class Residual(Net):
    """Sums with what came before, in place, as in torchvision's ResNets."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.relu = nn.BatchNorm2d(4), nn.ReLU(inplace=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.relu(self.norm(self.conv1(images)))
        second = self.conv2(first)
        second += first
        third = self.conv3(self.relu(second))
        third += second
        return self.head(self.relu(third))


class FunctionalInPlace(Net):
    """Functions that change the output of a module in place."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv1(images), inplace=True)
        values = self.conv2(values).relu_()
        return self.head(F.relu_(self.conv3(values).mul_(2)))


class SharedReLU(Net):
    """One activation function for all layers."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=inplace)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.relu(self.conv3(self.relu(self.conv2(self.relu(self.conv1(images))))))
        logits: torch.Tensor = self.fc(self.relu(self.hidden(self.flat(self.pool(values)))))
        return logits


class UsedTwice(Net):
    """Uses a convolution twice."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv2(F.relu(self.conv2(F.relu(self.conv1(images))))))
        return self.head(F.relu(self.conv3(values)))


class Split(nn.Module):
    """Returns a tuple."""

    def forward(self, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return values.relu(), values.neg().relu()


class Cat(nn.Module):
    """Takes a list."""

    def forward(self, values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(values).sum(0)


class Tuples(Net):
    """Has a module that returns a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.split = Split()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        up, down = self.split(self.conv1(images))
        up, down = self.split(self.conv2(up - 2 * down))
        return self.head(F.relu(self.conv3(up - 0.5 * down)))


class Lists(Net):
    """Has a module that takes a list of tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.cat = Cat()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = F.relu(self.conv1(images))
        second = F.relu(self.conv2(first))
        return self.head(self.cat([first, second, F.relu(self.conv3(second))]))


class Keywords(Net):
    """Gives its modules what they take by keyword."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv2(input=F.relu(self.conv1(input=images))))
        values = self.pool(input=F.relu(self.conv3(input=values)))
        logits: torch.Tensor = self.fc(input=F.relu(self.hidden(input=self.flat(input=values))))
        return logits


class Hooked(Net):
    """Has hooks of its owner's that change what its modules return."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1.register_forward_hook(doubled)
        self.conv2.register_forward_hook(shifted_in_place)


def doubled(module: nn.Module, arguments: Any, output: torch.Tensor) -> torch.Tensor:
    return output * 2 - 0.3


def shifted_in_place(module: nn.Module, arguments: Any, output: torch.Tensor) -> None:
    output.sub_(0.2)


class CalledDirectly(Net):
    """Calls the forward pass of a module without its hooks, and later with them."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv2.forward(F.relu(self.conv1(images))))
        return self.head(F.relu(self.conv3(F.relu(self.conv2(values)))))


class Tied(Net):
    """Uses the weights of a module in another one, which is executed earlier."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Conv2d(4, 4, 3, padding=1)
        self.early.weight = self.conv3.weight

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.early(F.relu(self.conv1(images))))
        return self.head(F.relu(self.conv3(F.relu(self.conv2(values)))))


class Borrowed(Net):
    """Uses the weights of a module before that module is executed."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.conv2d(F.relu(self.conv1(images)), self.conv3.weight, padding=1)
        return self.head(F.relu(self.conv3(F.relu(self.conv2(F.relu(values))))))


class ChangesImages(Net):
    """Scales its images in place."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = images.sub_(0.1)
        return super().forward(images.mul_(2))


class Views(Net):
    """Looks at the output of a module from another side, and changes it there."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Flatten(2)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.conv1(images)
        rows = self.rows(values)  # the same memory
        self.relu(rows)
        return self.head(F.relu(self.conv3(self.conv2(values))))


class Doubles(nn.Module):
    """Doubles what it is given, and returns something else."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values.mul_(2)
        return values.tanh()


class ChangesInputs(Net):
    """Uses what a module was given after that has changed it."""

    def __init__(self) -> None:
        super().__init__()
        self.doubles = Doubles()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv1(images)) + 0.1
        bent = self.doubles(values)
        return self.head(F.relu(self.conv3(F.relu(self.conv2(values + bent)))))


class Adds(nn.Module):
    """Adds the second of what it is given to the first, in place."""

    def forward(self, values: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        values += others
        return values


class AddsInPlace(Net):
    """Uses what a module was given after that has added something else to it."""

    def __init__(self) -> None:
        super().__init__()
        self.adds = Adds()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv1(images)) + 0.1
        self.adds(values, self.conv2(values.clone()).tanh())
        return self.head(F.relu(self.conv3(values)))


class Scaled(Net):
    """Uses the weights of a module before that is executed, as the first argument of a function."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = F.relu(self.conv2(torch.mul(self.conv3.weight.mean(), self.conv1(images))))
        return self.head(F.relu(self.conv3(values)))


class Detached(nn.Module):
    """Lets no gradient through."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values.detach().sigmoid()


class Gated(Net):
    """Weighs values by others, through which no gradient comes."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Detached()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        values = self.conv1(images)
        return self.head(F.relu(self.conv3(F.relu(self.conv2(values * self.gate(values))))))


WRITTEN: dict[str, Written] = {
    "plain": Net,
    "residual sums in place": Residual,
    "functions in place": FunctionalInPlace,
    "a shared ReLU": lambda: SharedReLU(inplace=False),
    "a shared ReLU in place": lambda: SharedReLU(inplace=True),
    "a module used twice": UsedTwice,
    "a module that returns a tuple": Tuples,
    "a module that takes a list": Lists,
    "modules called with keywords": Keywords,
    "hooks of its own": Hooked,
    "a forward pass called directly": CalledDirectly,
    "tied weights": Tied,
    "borrowed weights": Borrowed,
    "images changed in place": ChangesImages,
    "views changed in place": Views,
    "a module that changes what it is given": ChangesInputs,
    "a module that changes the first of two": AddsInPlace,
    "weights as a first argument": Scaled,
    "a module without gradients": Gated,
}


def written(name: str) -> nn.Module:
    """Return a network that is written in one of these ways, with values of which none is neutral."""
    return fill(WRITTEN[name]())
