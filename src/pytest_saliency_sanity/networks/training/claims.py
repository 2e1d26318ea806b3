"""What is claimed about a trained network, and what is wrong if it does not hold."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .recipe import Recipe
from .training import Epoch

# Another processor rounds otherwise, which can move an image or two across a border between classes.
TOLERANCE = 0.01


@dataclass(frozen=True)
class Measured:
    """What can be measured again about a trained network.

    ``accuracies``: by what they are measured on. ``chance_range``: the accuracies on held-out images that are no more
    than chance; None if nothing is compared with it.
    """

    parameters: int
    accuracies: Mapping[str, float]
    chance_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class TrainedOn:
    """Where a network was trained, and how long that took."""

    device: str
    threads: int
    seconds: int


@dataclass(frozen=True)
class Claims:
    """What is claimed about a trained network.

    ``labels``: which kind of its family it is: ``"true"`` or ``"random"``, ``"biased"`` or ``"balanced"``. ``data``:
    the split, in words. ``versions``: of Python and of the libraries that trained it. ``history`` and ``trained_on``
    are known of networks in a cache only.
    """

    network: str
    labels: str
    classes: int
    seed: int
    recipe: Recipe
    data: str
    epochs: int
    measured: Measured
    versions: Mapping[str, str]
    history: tuple[Epoch, ...] = ()
    trained_on: TrainedOn | None = None

    @property
    def name(self) -> str:
        """As it is listed: ``alexnet-random``."""
        return f"{self.network}-{self.labels}"

    def to_json(self) -> dict[str, Any]:
        """Return the claims as JSON can hold them."""
        facts = {**asdict(self), "recipe": self.recipe.facts(), **asdict(self.measured)}
        facts["history"] = history_to_json(self.history)
        del facts["measured"]
        return {name: value for name, value in facts.items() if value not in (None, [])}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Claims:
        """Return the claims that ``to_json`` wrote; KeyError or TypeError if something else did."""
        rest = dict(facts)
        low, high = rest.pop("chance_range", None) or (None, None)
        measured = Measured(
            rest.pop("parameters"), _accuracies_from(rest), None if low is None or high is None else (low, high)
        )
        trained_on = rest.pop("trained_on", None)
        return cls(
            classes=rest.pop("classes", 10),
            recipe=Recipe(**rest.pop("recipe")),
            measured=measured,
            history=history_from_json(rest.pop("history", [])),
            trained_on=TrainedOn(**trained_on) if trained_on else None,
            **rest,
        )


@dataclass(frozen=True)
class Requirement:
    """What an accuracy must be for a network to be what its kind says: within bounds, or no more than chance.

    ``otherwise``: what a network is that does not meet it, in words.
    """

    accuracy: str
    least: float = 0.0
    most: float = 1.0
    by_chance: bool = False
    otherwise: str = ""

    def complaints(self, now: Measured) -> list[str]:
        """Return what is wrong, in at most one sentence."""
        reached, told = now.accuracies[self.accuracy], f": {self.otherwise}" if self.otherwise else ""
        if self.by_chance and now.chance_range and not now.chance_range[0] <= reached <= now.chance_range[1]:
            low, high = now.chance_range
            return [f"{self.accuracy} accuracy is outside of chance, {low:.3f} to {high:.3f}{told}"]
        if reached < self.least:
            return [f"{self.accuracy} accuracy is below {self.least:.0%}{told}"]
        if reached > self.most:
            return [f"{self.accuracy} accuracy is above {self.most:.0%}{told}"]
        return []


def complaints(claimed: Measured, now: Measured, requirements: Iterable[Requirement]) -> list[str]:
    """Return what is wrong with a network: claims that do not hold, and requirements that are not met."""
    wrong = []
    if now.parameters != claimed.parameters:
        wrong.append(f"it has {now.parameters} parameters, not {claimed.parameters} as claimed")
    for name, value in claimed.accuracies.items():
        if name not in now.accuracies or abs(now.accuracies[name] - value) > TOLERANCE:
            wrong.append(f"{name} accuracy is {now.accuracies.get(name)!r}, not {value!r} as claimed")
    return wrong + [each for requirement in requirements for each in requirement.complaints(now)]


def versions() -> dict[str, str]:
    """Return the versions that a training was made with."""
    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}


def history_to_json(history: Iterable[Epoch]) -> list[list[float]]:
    """Return what each epoch reached as a list of loss, share seen and accuracy."""
    return [[each.loss, each.seen, each.accuracy] for each in history]


def history_from_json(facts: Iterable[Sequence[float]]) -> tuple[Epoch, ...]:
    """Return what ``history_to_json`` wrote."""
    return tuple(Epoch(*values) for values in facts)


def _accuracies_from(facts: dict[str, Any]) -> dict[str, float]:
    """Take the accuracies out of the facts; those of a cache of an earlier version stand among the others."""
    if "accuracies" in facts:
        return dict(facts.pop("accuracies"))
    ending = "_accuracy"
    names = [name for name in facts if name.endswith(ending)]
    if not names:
        raise KeyError("accuracies")
    return {name.removesuffix(ending).replace("_", "-"): facts.pop(name) for name in names}
