"""The plan of a run: which questions are put to which method on which model. Standard library only.

It is computed once, from the user's choices and the registry of checks. Collection, header, summary, expected failures
and ``check_method`` all read it, so they agree on the questions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import Protocol

from ..foundation.ids import split_variant, with_variant
from .registry import CHECKS, question_ids


@dataclass(frozen=True)
class Question:
    """A check, in one of its variants, put to a method on a model; ``model`` is empty if the check needs none."""

    method: str
    model: str
    check: str
    variant: str = ""

    @property
    def id(self) -> str:
        """The name of the check with its variant: ``symmetry[rescaling]``."""
        return with_variant(self.check, self.variant)


class About(Protocol):
    """Anything that concerns a method and a model."""

    @property
    def method(self) -> str:
        """The name of the method."""
        ...

    @property
    def model(self) -> str:
        """The name of the model."""
        ...


@dataclass(frozen=True)
class Plan:
    """The questions of a run, in the order in which they are asked.

    ``methods``, ``models`` and ``checks`` are in the given order; ``checks`` are question ids. ``by_name``: whether the
    checks were named explicitly: then a question that can't be put is a failure instead of being left out. ``lacking``:
    by model, what it is known to lack, so that checks that need it are not planned.
    """

    methods: tuple[str, ...]
    models: tuple[str, ...]
    checks: tuple[str, ...]
    by_name: bool = False
    lacking: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        methods: Iterable[str],
        models: Iterable[str],
        checks: Iterable[str] = (),
        lacking: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> Plan:
        """Return the plan for methods, models and checks by name; if no check is named, for all registered ones.

        A check is named alone, or with a variant in brackets. Raises ValueError if it does not exist.
        """
        named = tuple(checks)
        ids = question_ids(named or CHECKS.all())
        return cls(tuple(dict.fromkeys(methods)), tuple(dict.fromkeys(models)), tuple(ids), bool(named), lacking)

    def __iter__(self) -> Iterator[Question]:
        """Yield the questions of each method, model by model; those put to the method alone come last."""
        split = [split_variant(each) for each in self.checks]
        for method in self.methods:
            for model in (*self.models, ""):
                for check, variant in split:
                    if self.asks(check, model):
                        yield Question(method, model, check, variant)

    def asks(self, check: str, model: str) -> bool:
        """Return whether a check is put to a model that lacks nothing for it; or, without one, to the method."""
        known = CHECKS.named(check)
        return known.by_model == bool(model) and not set(known.needs) & set(self.lacking.get(model, ()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def cells(self) -> list[tuple[str, str, list[Question]]]:
        """Return the questions by method and model, in order."""
        grouped = groupby(self, key=lambda question: (question.method, question.model))
        return [(method, model, list(questions)) for (method, model), questions in grouped]

    def place(self, about: About) -> tuple[int, str, int, str, int]:
        """Return the sort key of anything about a method and a model, such as a result; what is not planned is last."""
        check = getattr(about, "question", "") or getattr(about, "check", "")
        method, model, question = (
            order.index(name) if name in order else len(order)
            for order, name in ((self.methods, about.method), (self.models, about.model), (self.checks, check))
        )
        return method, about.method, model, about.model, question
