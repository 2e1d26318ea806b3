"""A family of networks: what is trained alike, on what, and what must come out of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import nn

from .claims import Claims, Measured, Requirement, TrainedOn, complaints, versions
from .recipe import Recipe
from .training import Training, TrainingData


@dataclass(frozen=True)
class Family:
    """Networks that are trained alike, one of each architecture and kind.

    ``networks``: the architectures. ``kinds``: what ``labels`` may be, as in ``"true"`` and ``"random"``. ``data``: the
    split, in words. ``load``: from a kind and a seed to what is learned. ``measure``: from a network, its kind and its
    seed to what it reaches. ``requirements``: by kind. ``expected_epochs``: by name of the network, as in
    ``"alexnet-random"``, if more than the recipe's least are expected; for the progress bar. ``own_recipes``: of the
    networks that have another one.
    """

    name: str
    networks: tuple[str, ...]
    kinds: tuple[str, ...]
    classes: int
    recipe: Recipe
    data: str
    load: Callable[[str, int], TrainingData]
    measure: Callable[[nn.Module, str, int], Measured]
    requirements: Mapping[str, tuple[Requirement, ...]]
    seed: int = 1
    expected_epochs: Mapping[str, int] = field(default_factory=dict)
    own_recipes: Mapping[str, Recipe] = field(default_factory=dict)

    def recipe_of(self, network: str) -> Recipe:
        """Return how a network is trained."""
        return self.own_recipes.get(network, self.recipe)

    def training(self, network: str, kind: str, device: torch.device | str = "cpu") -> Training:
        """Return a training of a network, before its first epoch."""
        return Training(network, self.load(kind, self.seed), self.recipe_of(network), self.seed, device)

    def claims_of(self, training: Training, kind: str, seconds: float | None = None) -> Claims:
        """Return what is claimed about the network of a training that is over.

        With the ``seconds`` that it took, its history is part of the claims.
        """
        claims = Claims(
            network=training.network,
            labels=kind,
            classes=self.classes,
            seed=training.seed,
            recipe=training.recipe,
            data=self.data,
            epochs=len(training.history),
            measured=self.measure(training.kept().cpu(), kind, training.seed),
            versions=versions(),
        )
        if seconds is None:
            return claims
        trained_on = TrainedOn(str(training.device), torch.get_num_threads(), round(seconds))
        return replace(claims, history=tuple(training.history), trained_on=trained_on)

    def measure_again(self, model: nn.Module, claims: Claims) -> tuple[Measured, list[str]]:
        """Return what a network reaches now, and what is wrong with it."""
        now = self.measure(model, claims.labels, claims.seed)
        return now, self.complaints(claims, now)

    def complaints(self, claims: Claims, now: Measured) -> list[str]:
        """Return what is wrong with a network that was claimed to be of this family."""
        return complaints(claims.measured, now, self.requirements[claims.labels])


def count_parameters(model: nn.Module) -> int:
    """Return how many parameters a network has."""
    return sum(parameter.numel() for parameter in model.parameters())
