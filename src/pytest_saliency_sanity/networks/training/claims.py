"""What is claimed about a trained network, and what is wrong if it does not hold."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import numpy as np
import torch

from ...foundation.errors import quoted
from .recipe import Recipe
from .training import Epoch

Kind = TypeVar("Kind")
# What JSON must hold for a field that is written so.
PRIMITIVES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
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
        """Return the claims that ``to_json`` wrote; KeyError, TypeError or ValueError if something else did."""
        rest = dict(_mapping(facts, "the claims"))
        chance = _numbers(rest.pop("chance_range", None) or [], "chance_range")
        if len(chance) not in (0, 2):
            raise ValueError(f"chance_range has {len(chance)} numbers, not 2")
        parameters = rest.pop("parameters")
        accuracies = _accuracies_from(rest)
        _numbers([parameters, *accuracies.values()], "what was measured")
        trained_on = rest.pop("trained_on", None)
        parts = {
            "classes": rest.pop("classes", 10),
            "recipe": _made(Recipe, rest.pop("recipe")),
            "measured": Measured(parameters, accuracies, (chance[0], chance[1]) if chance else None),
            "versions": dict(_mapping(rest.pop("versions"), "versions")),
            "history": history_from_json(rest.pop("history", [])),
            "trained_on": _made(TrainedOn, trained_on) if trained_on else None,
        }
        return _made(cls, rest | parts)


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
    """Return what ``history_to_json`` wrote. Raises TypeError or ValueError for anything else."""
    if not isinstance(facts, list):
        raise TypeError(f"the history is {quoted(facts)}, not a list")
    return tuple(Epoch(*_numbers(values, "an epoch")) for values in facts)


def _accuracies_from(facts: dict[str, Any]) -> dict[str, float]:
    """Take the accuracies out of the facts; those of a cache of an earlier version stand among the others."""
    if "accuracies" in facts:
        return dict(_mapping(facts.pop("accuracies"), "accuracies"))
    ending = "_accuracy"
    names = [name for name in facts if name.endswith(ending)]
    if not names:
        raise KeyError("accuracies")
    return {name.removesuffix(ending).replace("_", "-"): facts.pop(name) for name in names}


def _mapping(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must have names and values, and it is {quoted(value)}")
    return value


def _numbers(values: object, name: str) -> Sequence[Any]:
    if not isinstance(values, list | tuple) or not all(isinstance(each, int | float) for each in values):
        raise TypeError(f"{name} must be numbers, and it is {quoted(values)}")
    return values


def _made(kind: type[Kind], facts: object) -> Kind:
    """Return a dataclass of such facts. Raises TypeError if they have other names, or a primitive of another type."""
    given = _mapping(facts, kind.__name__.lower())
    types = {each.name: str(each.type) for each in fields(kind)}  # type: ignore[arg-type]
    for name, value in given.items():
        if name not in types:
            raise TypeError(f"{kind.__name__.lower()} has no {quoted(name)}")
        if types[name] in PRIMITIVES and not isinstance(value, PRIMITIVES[types[name]]):
            raise TypeError(f"{name} must be of the type {types[name]}, and it is {quoted(value)}")
    return kind(**given)
