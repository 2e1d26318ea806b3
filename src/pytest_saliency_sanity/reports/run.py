"""A run, as its reports see it. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..checks.judging.result import CheckResult
from ..checks.plan import Plan
from .glances import Glance


@dataclass(frozen=True)
class Run:
    """What was planned, what was answered, and what came of it.

    ``preset``, ``tier``, ``device``, ``images``, ``seed``: what the questions were put with. ``results`` and
    ``glances`` are in the order of the plan. ``planned``: how many packaged tests there were to be, ``ran``: how many
    of them reported. ``outcomes``: how often each outcome occurred, and ``own`` how many tests of the project are among
    them. ``problems``: why the run is not green, besides its failures. ``written``: the files of its reports.
    """

    plan: Plan
    preset: str
    tier: str
    device: str
    images: int
    seed: int
    results: tuple[CheckResult, ...] = ()
    glances: tuple[Glance, ...] = ()
    planned: int = 0
    ran: int = 0
    own: int = 0
    outcomes: Mapping[str, int] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
