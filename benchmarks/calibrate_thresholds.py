"""Calibrate the thresholds of the checks; prints the tables of ``docs/thresholds.md``.

A threshold lies half-way between the worst bound of what must pass and the best bound of what must fail, over all
networks, variants and seeds, rounded to 0.01. What must pass and fail is written down here, from the literature, before
anything is measured. Takes about five minutes on two cores; ``--check NAME`` calibrates only some. ``--preset paper``
measures the paper's networks instead, which takes hours unless ``--method``, ``--seeds`` or ``--model`` ask for less.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.checks.catalogue import CHECKS, Check
from pytest_saliency_sanity.measuring.statistics import Interval
from pytest_saliency_sanity.networks.architectures import MODELS
from pytest_saliency_sanity.networks.names import MEMORIZED
from pytest_saliency_sanity.networks.presets import Preset

SEEDS = (0, 1, 2)
REFERENCES = ("gradient", "smoothgrad", "gradcam")
CONTROLS = ("sobel", "input")
# Adebayo et al. 2018 (section 4 and their third version): Guided Backprop is invariant to the higher layers. It is
# known to change when the lower ones go, so bottom_up and label_randomization say nothing about it here.
MUST_FAIL = {
    "label_randomization": CONTROLS,
    "cascading_randomization[top_down]": (*CONTROLS, "guided_backprop"),
    "cascading_randomization[bottom_up]": CONTROLS,
    "cascading_randomization[independent]": (*CONTROLS, "guided_backprop"),
    "bias_detection": (*CONTROLS, "uniform_noise"),
    "class_sensitivity": CONTROLS,
    "repeatability": ("uniform_noise",),
    # No control of permutation and rescaling is agreed upon: their threshold is that of the shift.
    "symmetry[input_shift]": ("input", "captum:InputXGradient"),  # Kindermans et al. 2017, section 3
}
# Not half-way: below it more of the ranks' variance is the method's noise than its map.
DECIDED = {"repeatability": 0.5}


Row = dict[str, Any]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", nargs="*", default=[name for name, check in CHECKS.items() if check.thresholds])
    options.add_argument("--method", nargs="*", default=[*REFERENCES, *CONTROLS, *sum(MUST_FAIL.values(), ())])
    options.add_argument("--model", nargs="*", default=list(MODELS))
    options.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options.add_argument("--preset", choices=MEMORIZED, default=MEMORIZED[0])
    options.add_argument("--cache-dir", type=Path)
    given = options.parse_args()
    preset = Preset(given.preset, given.cache_dir)
    rows = [
        row
        for seed in given.seeds
        for method in dict.fromkeys(given.method)
        for result in check_method(method, models=given.model, checks=given.check, seed=seed, preset=preset)
        for row in judged_rows(result)
    ]
    for check in (CHECKS[name] for name in dict.fromkeys(name.partition("[")[0] for name in given.check)):
        for at in check.thresholds:
            here = [row for row in rows if (row["check"], row["at"]) == (check.name, at)]
            if any(row["question"] in MUST_FAIL for row in here):
                calibrate(check, at, here)


def judged_rows(result: CheckResult) -> list[Row]:
    """Return a row for each stage that was judged: what was measured there, and what kind of stage it is."""
    check, _, variant = result.check.rstrip("]").partition("[")
    judged = result.measured["judged"]
    kinds = {"top_down": ("classifier", "last"), "independent": ("classifier",) * len(judged)}.get(variant, ("last",))
    if check not in ("label_randomization", "cascading_randomization"):
        kinds = tuple(stage["stage"] for stage in judged)
    return [
        {**stage, "at": at, "check": check, "question": result.check, "method": result.method, "model": result.model}
        for stage, at in zip(judged, kinds, strict=True)
    ]


def calibrate(check: Check, at: str, rows: list[Row]) -> None:
    must_pass = [row for row in rows if row["method"] in REFERENCES]
    must_fail = [row for row in rows if row["method"] in MUST_FAIL[row["question"]] and fails_at(row)]
    if check.above:
        sides, good = ("lowest lower", "highest upper"), min(row["low"] for row in must_pass)
        bad = max(row["high"] for row in must_fail)
    else:
        sides, good = ("highest upper", "lowest lower"), max(bounds(row)[1] for row in must_pass)
        bad = min(bounds(row)[0] for row in must_fail)
    threshold = DECIDED.get(check.name, round((good + bad) / 2, 2))
    print(f"### `{check.name}`, judged at: {at}\n")
    print(f"The {sides[0]} bound of what must pass {good:.3f}, {sides[1]} bound of what must fail {bad:.3f}:")
    print(f"threshold **{threshold:.2f}**.\n")
    print(f"| must | method | network | question | mean {check.quantity} | widest half-width | margin in half-widths |")
    print("|---|---|---|---|---|---|---|")
    for group, must in ((must_pass, "pass"), (must_fail, "fail")):
        cells = defaultdict(list)
        for row in group:
            cells[row["method"], row["model"], row["question"]].append(row)
        for cell, measured in cells.items():
            print(f"| {must} | {' | '.join(cell)} | {figures(measured, threshold)} |")
    print()


def fails_at(row: Row) -> bool:
    """Return whether a stage must give a control away: Guided Backprop need not, once the lower layers are gone."""
    return row["method"] != "guided_backprop" or row["at"] == "classifier"


def figures(rows: list[Row], threshold: float) -> str:
    """Return the range of means over seeds and stages, the widest half-width, and the smallest distance in them."""
    means = [row["mean"] for row in rows]
    halves = [(row["high"] - row["low"]) / 2 for row in rows]
    exact = max(halves) < 1e-6
    margin = (
        min(abs(threshold - abs(mean)) / half for mean, half in zip(means, halves, strict=True) if half > 1e-6)
        if not exact
        else 0
    )
    return f"{min(means):.3f} to {max(means):.3f} | {max(halves):.3f} | {'exact' if exact else f'{margin:.1f}'}"


def bounds(row: Row) -> tuple[float, float]:
    """Return the bounds of |mean SRC|."""
    interval = Interval(row["mean"], row["low"], row["high"]).absolute()
    return interval.low, interval.high


if __name__ == "__main__":
    main()
