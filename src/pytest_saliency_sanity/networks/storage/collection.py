"""The trained networks of one family and the place where they are kept: what the command line works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from ...foundation.errors import CheckpointError, unknown_name
from ..training.claims import Claims, Measured
from ..training.family import Family


@dataclass(frozen=True)
class Checked:
    """What a network reaches, and what is wrong with it. ``measured``: None if it is missing or damaged."""

    name: str
    measured: Measured | None
    complaints: Sequence[str] = ()


@dataclass(frozen=True)
class Choice:
    """Which networks of a family are meant: those of one architecture, of one kind, or all."""

    network: str | None = None
    kind: str | None = None

    def of(self, family: Family) -> list[tuple[str, str]]:
        """Return the networks and kinds that are meant; ValueError for one that the family does not have."""
        if self.network is not None and self.network not in family.networks:
            raise unknown_name(f"network of {family.name}", self.network, family.networks)
        if self.kind is not None and self.kind not in family.kinds:
            raise unknown_name("labels", self.kind, family.kinds)
        return [
            (network, kind)
            for network in family.networks
            for kind in family.kinds
            if self.network in (None, network) and self.kind in (None, kind)
        ]


def verified(name: str, family: Family, read: Callable[[], tuple[nn.Module, Claims]]) -> Checked:
    """Return what a network reaches now, or why it can't be read: that of others is measured all the same."""
    try:
        model, claims = read()
    except CheckpointError as error:
        return Checked(name, None, [str(error)])
    return Checked(name, *family.measure_again(model, claims))


class Collection(Protocol):
    """The trained networks of one family, and the folder that they are in."""

    @property
    def family(self) -> Family:
        """What they are."""
        ...

    @property
    def folder(self) -> Path:
        """Where they are."""
        ...

    def listed(self) -> Iterator[tuple[str, Claims | str | CheckpointError]]:
        """Yield each network's name and what is claimed about it, or how far its training is, or what is wrong."""
        ...

    def train(self, choice: Choice, device: torch.device | str) -> Iterator[Checked]:
        """Train the chosen networks, with a progress bar; yield each as soon as it is kept."""
        ...

    def verify(self, choice: Choice) -> Iterator[Checked]:
        """Measure every claim about the chosen networks again; one that is missing or damaged is complained of."""
        ...

    def unused(self) -> Sequence[tuple[Path, str]]:
        """Return the files in the folder that are of no use to this version of the package, and what each is."""
        ...

    def clear(self) -> Iterator[tuple[Path, str]]:
        """Delete what can be trained again; yield each file and why it is still there, if it is."""
        ...
