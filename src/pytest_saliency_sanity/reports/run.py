"""All that reports know about a run. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..checks.judging.result import CheckResult
from ..checks.plan import Plan
from ..foundation.reading import Reading
from .glances import Glance


@dataclass(frozen=True)
class Run:
    """The plan of a run, its settings, results and outcomes.

    ``preset`` to ``confidence``: the settings; ``images`` is None if each answer took as many as it needed.
    ``results`` and ``glances`` are in the order of the plan. ``planned``: how many packaged tests were planned;
    ``ran``: how many of them reported. ``outcomes``: how often each outcome occurred; ``unanswered``: by method and
    model, how many packaged tests failed without a verdict; ``own``: how many of these tests are the project's own.
    ``problems``: why the run is not green, besides failures. ``written``: the files of its reports.
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
    results: tuple[CheckResult, ...] = ()
    glances: tuple[Glance, ...] = ()
    planned: int = 0
    ran: int = 0
    own: int = 0
    outcomes: Mapping[str, int] = field(default_factory=Counter)
    unanswered: Mapping[tuple[str, str], int] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
