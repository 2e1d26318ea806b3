"""The properties of a test, made of its result."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity import CheckResult
from pytest_saliency_sanity.checks.judging.result import Figure, Finding, Measured, StageVerdict, not_asked
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.plugin.properties import properties_of

UNDEFINED = StageVerdict("again", 0.5, "undefined", Interval(*[float("nan")] * 3), 7, 7, above=True)
NAMED = {"saliency_method": "it", "saliency_model": "net", "saliency_check": "repeatability"}
ALONE = {"saliency_method": "it", "saliency_check": "contract"}


def result(check: str = "repeatability", **parts: object) -> CheckResult:
    given: dict[str, object] = {"verdict": "undefined", "message": "a message", "measured": Measured(0, images=40)}
    return CheckResult(check, "it", "net", **(given | parts))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (
            result(stages=(UNDEFINED,)),
            NAMED
            | {"saliency_verdict": "undefined", "saliency_quantity": "SRC", "saliency_stage": "again"}
            | {"saliency_threshold": 0.5, "saliency_side": "above", "saliency_undefined": 7, "saliency_images": 40},
        ),
        (
            result("contract", measured=Measured(0, figures=(Figure("networks tried", 5),)), verdict="failed"),
            ALONE | {"saliency_verdict": "failed"},
        ),
        (
            not_asked("contract", "it", "networks", 0, "it refuses all"),
            ALONE | {"saliency_not_asked": "it refuses all"},
        ),
        (
            result(verdict="passed", findings=(Finding("the picture stays", "0.99"),), expected="noise"),
            NAMED
            | {"saliency_verdict": "passed", "saliency_expected": "noise"}
            | {"saliency_findings": "the picture stays (0.99)"},
        ),
    ],
)
def test_only_what_exists_is_told(found: CheckResult, told: dict[str, object]) -> None:
    assert properties_of(found) == told
