"""Simple properties of a packaged test, which JUnit XML has and CI servers show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..reports.record import model_of

if TYPE_CHECKING:
    from ..checks.judging.result import CheckResult

PREFIX = "saliency_"


def add_properties(item: pytest.Item, result: CheckResult) -> None:
    """Add what there is to tell of a result to the properties of a test, in place of those of a run before."""
    others = [(name, value) for name, value in item.user_properties if not name.startswith(PREFIX)]
    item.user_properties[:] = [*others, *properties_of(result).items()]


def properties_of(result: CheckResult) -> dict[str, str | int | float]:
    """Return the properties of a result by name: words and numbers, and nothing for what does not exist."""
    judged, interval = result.deciding, result.interval
    found: dict[str, str | int | float | None] = {
        "method": result.method,
        "model": model_of(result),
        "check": result.check,
        "verdict": None if result.not_asked else result.verdict,
        "not_asked": result.not_asked,
        "expected": result.expected,
        "findings": "; ".join(f"{each.text} ({each.figure})" for each in result.findings),
    }
    if judged:
        found |= {
            "quantity": result.quantity,
            "stage": judged.stage,
            "statistic": result.statistic,
            "low": interval and interval[0],
            "high": interval and interval[1],
            "threshold": judged.threshold,
            "side": "above" if judged.above else "below",
            "margin": judged.margin if interval else None,
            "undefined": judged.undefined or None,
            "images": result.measured.images,
        }
    return {f"{PREFIX}{name}": value for name, value in found.items() if value not in ("", None)}
