"""What a check answers, in plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Verdict = Literal["passed", "failed", "inconclusive", "undefined"]


@dataclass(frozen=True)
class CheckResult:
    """The answer of a check, in plain values that any report or process can carry.

    ``check``: its name, with the variant in brackets. ``verdict``: only ``"passed"`` passes. ``statistic``: the mean
    SRC where it decides; ``interval``: the confidence bounds of it; None where undefined. ``message``: for a reader who
    has never seen this project. ``measured``: what it was measured on, and the SRC stage by stage.
    """

    check: str
    method: str
    model: str
    verdict: Verdict
    statistic: float | None
    interval: tuple[float, float] | None
    threshold: float | None
    message: str
    measured: dict[str, Any] = field(default_factory=dict)

    def as_record(self) -> dict[str, Any]:
        """Return the result as a dict of JSON primitives."""
        record = asdict(self)
        record["interval"] = list(self.interval) if self.interval else None
        return record
