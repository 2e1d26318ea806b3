"""All that reports know about a run. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..checks.judging.result import CheckResult
from ..checks.plan import Plan
from ..foundation.reading import Reading
from .record import Record

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Run:
    """The plan of a run, its settings, records and outcomes.

    ``preset`` to ``confidence``: the settings; ``images`` is None if each answer took as many as it needed.
    ``records``: of the questions that were put, in the order of the plan. ``notes``: on the methods, besides verdicts.
    ``planned``: how many packaged tests were planned; ``ran``: how many of them reported. ``outcomes``: how often each
    outcome occurred; ``own``: how many of these tests are the project's own. ``problems``: why the run is not green,
    besides failures. ``started``: the time in UTC, as in ``2026-11-26T03:37:47Z``; ``seconds``: how long it took.
    ``command``: as typed. ``written``: the files of its reports.
    """

    plan: Plan
    preset: str
    tier: str
    device: str
    images: int | None
    seed: int
    sign: str = Reading.sign
    law: str = Reading.law
    confidence: float = Reading.confidence
    records: tuple[Record, ...] = ()
    notes: tuple[str, ...] = ()
    planned: int = 0
    ran: int = 0
    own: int = 0
    outcomes: Mapping[str, int] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    started: str = ""
    seconds: float = 0.0
    command: str = ""
    written: tuple[str, ...] = ()
    _kept: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """The results, in the order of the plan."""
        return tuple(record.result for record in self.records if record.result)

    def once(self, name: str, make: Callable[[], Kept]) -> Kept:
        """Return what ``make`` returns, called only by the first report that asks for ``name``."""
        if name not in self._kept:
            self._kept[name] = make()
        kept: Kept = self._kept[name]
        return kept
