"""Records of cascades with all that a report shows: curves, thresholds, magnitudes, values image by image, and maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_saliency_sanity.checks.judging.evidence import Evidence, Point
from pytest_saliency_sanity.checks.judging.result import (
    CheckResult,
    Figure,
    Finding,
    Measured,
    StageVerdict,
    Verdict,
)
from pytest_saliency_sanity.checks.registry import SIMILARITY
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.profile import TRAINED
from pytest_saliency_sanity.reports.record import Record

NAN = float("nan")
NOTHING = Interval(NAN, NAN, NAN)
CHECK = "cascading_randomization[top_down]"
STAGES = ("fc", "conv2", "conv1")
# Names that mean something to HTML, Markdown, SVG, a spreadsheet, a template, a formula, a terminal or a file system.
HOSTILE = (
    "<script>alert(1)</script>",
    "a|b",
    'it\'s "quoted"',
    '"><img src=x onerror=1>',
    "{{ 7*7 }}",
    "{% raw %}",
    "显著性 метод é",
    "\u202eright to left",
    "\u05e9\u05dc\u05d5\u05dd",
    "a\nb",
    "  spaces  ",
    "../../etc/passwd",
    "C:\\new\\1",
    "$\\frac$ and $x",
    "&amp; &lt;",
    "=1+1",
    "`code`",
    "]]> --> <!--",
    "0.123456789",
    '#0072b2 href="#x" url(#y)',
    "_hidden",
    "\x1b[31m",
)


def evidence(stages: tuple[str, ...] = STAGES, *, side: int = 6, images: int = 2, seed: int = 0) -> Evidence:
    """Return values and maps with signs for some stages, and grey pictures."""
    random = np.random.default_rng(seed)
    maps = {name: random.normal(size=(images, side, side)).astype("f4") for name in (TRAINED, *stages)}
    values = {sign: {name: random.random((2, 10)) for name in stages} for sign in ("signed", "absolute")}
    return Evidence(values, maps, random.integers(0, 256, (images, 28, 28, 1), dtype=np.uint8))


def point(stage: str, mean: float, sign: str = "signed", **parts: Any) -> Point:
    """Return a point whose interval is 0.04 wide; undefined if the mean is NaN."""
    return Point(
        stage=stage,
        quantity=SIMILARITY,
        sign=sign,
        interval=Interval(mean, mean - 0.02, mean + 0.02),
        **{"by_draw": (mean - 0.01, mean + 0.01), "images": 10, "draws": 2, **parts},
    )


def cascade(
    method: str = "gradcam",
    model: str = "alexnet",
    verdict: Verdict = "passed",
    *,
    means: tuple[float, ...] = (0.9, 0.6, 0.1),
    stages: tuple[str, ...] = STAGES,
    judged: str = "",
    check: str = CHECK,
    **parts: Any,
) -> Record:
    """Return the record of a cascade. ``judged``: the stage that is judged, by default the last. ``parts``: of the
    result, or of the record if that has them.
    """
    at = judged or stages[-1]
    curve = tuple(point(stage, mean) for stage, mean in zip(stages, means, strict=True))
    by_magnitude = tuple(point(stage, mean, "absolute") for stage, mean in zip(stages, means, strict=True))
    deciding = curve[stages.index(at)].interval
    result = CheckResult(
        check=check,
        method=method,
        model=model,
        verdict=verdict,
        message=f"{check}: {method} on {model} {verdict.upper()}\n\nWhat it means.\nThe number.\n\nThe table.",
        measured=Measured(0, "signed", True, images=10, draws=2, looks=2, chance=0.05, figures=(Figure("tried", 3),)),
        stages=(StageVerdict(at, 0.5, verdict, deciding, 0, 20),),
        quantity=SIMILARITY,
        magnitudes=(StageVerdict(at, 0.7, "passed", deciding, 1, 20),),
        findings=(Finding("the outline stays", "0.99 by magnitude"),),
        curve=(*curve, *by_magnitude),
        evidence=evidence(stages),
    )
    own = {name: parts.pop(name) for name in list(parts) if name in Record.__dataclass_fields__}
    result = replace(result, **parts)
    circumstances: dict[str, Any] = {
        "reason": "",
        "seconds": 0.25,
        "command": f"pytest saliency-sanity::{method}",
        "parameters": {"n_samples": 20, "layer": None, "relu": True, "sigma": 0.15, "mode": "mean"},
        "device": "cpu",
        "versions": {"python": "3.12.0", "torch": "2.9.0"},
    }
    return replace(Record.of(result), **circumstances | own)
