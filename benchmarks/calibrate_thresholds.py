"""Calibrate the thresholds of the checks; prints the tables of ``docs/thresholds.md``.

A threshold lies half-way between the worst bound of what must pass and the best bound of what must fail, over all
networks, variants and seeds, rounded to 0.01. What must fail is written down where a check is registered, from the
literature, before anything is measured; the reference methods must pass. Takes about five minutes on two cores;
``--check NAME`` calibrates only some. ``--preset paper`` measures the paper's networks instead, which takes hours
unless ``--method``, ``--seeds`` or ``--model`` ask for less.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.checks.judging.result import StageVerdict
from pytest_saliency_sanity.checks.registry import CHECKS, Check, check_of
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.methods.registry import REFERENCE
from pytest_saliency_sanity.networks.presets.registry import PRESETS, open_preset

SEEDS = (0, 1, 2)
EXACT = 1e-6  # an interval that is narrower is a rounding of one number


class Row(NamedTuple):
    """A stage that was judged: which threshold it is judged by, and of which result it is."""

    at: str
    stage: StageVerdict
    result: CheckResult


def main() -> None:
    calibrated = {name: check for name, check in CHECKS.all().items() if check.thresholds}
    must_fail = [each for check in calibrated.values() for methods in check.must_fail.values() for each in methods]
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", nargs="*", default=list(calibrated))
    options.add_argument("--method", nargs="*", default=[*REFERENCE, *must_fail])
    options.add_argument("--model", nargs="*")
    options.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options.add_argument("--preset", choices=list(PRESETS.all()), default="embedded")
    options.add_argument("--cache-dir", type=Path)
    given = options.parse_args()
    preset = open_preset(given.preset, cache_dir=given.cache_dir)
    rows = [
        row
        for seed in given.seeds
        for method in dict.fromkeys(given.method)
        for result in check_method(method, models=given.model, checks=given.check, seed=seed, preset=preset)
        for row in rows_of(result)
    ]
    for check in dict.fromkeys(split_variant(name)[0] for name in given.check):
        for at in calibrated[check].thresholds:
            here = [row for row in rows if (split_variant(row.result.check)[0], row.at) == (check, at)]
            if any(must_fail_at(row) for row in here):
                calibrate(calibrated[check], at, here)


def rows_of(result: CheckResult) -> Iterator[Row]:
    """Yield the stages that were judged. What a stage is judged by, its own name says, or else its threshold."""
    thresholds = check_of(result.check).thresholds
    by_value = {threshold: at for at, threshold in thresholds.items()}
    for stage in result.stages:
        yield Row(stage.stage if stage.stage in thresholds else by_value[stage.threshold], stage, result)


def must_fail_at(row: Row) -> bool:
    """Return whether a stage must give a method away: Guided Backprop need not, once the lower layers are gone."""
    check, variant = split_variant(row.result.check)
    named = row.result.method in CHECKS.named(check).must_fail.get(variant, ())
    return named and (row.result.method != "guided_backprop" or row.at == "classifier")


def calibrate(check: Check, at: str, rows: list[Row]) -> None:
    """Print the threshold of a stage, and what it lies between."""
    must_pass = [row for row in rows if row.result.method in REFERENCE]
    must_fail = [row for row in rows if must_fail_at(row)]
    if check.above:
        sides, good = ("lowest lower", "highest upper"), min(row.stage.interval.low for row in must_pass)
        bad = max(row.stage.interval.high for row in must_fail)
    else:
        sides, good = ("highest upper", "lowest lower"), max(row.stage.interval.absolute().high for row in must_pass)
        bad = min(row.stage.interval.absolute().low for row in must_fail)
    threshold = check.thresholds[at] if check.decided else round((good + bad) / 2, 2)
    print(f"### `{check.name}`, judged at: {at}\n")
    print(f"The {sides[0]} bound of what must pass {good:.3f}, {sides[1]} bound of what must fail {bad:.3f}:")
    print(f"threshold **{threshold:.2f}**{' (decided)' * check.decided}.\n")
    print(f"| must | method | network | question | mean {check.quantity} | widest half-width | margin in half-widths |")
    print("|---|---|---|---|---|---|---|")
    for group, must in ((must_pass, "pass"), (must_fail, "fail")):
        cells: dict[tuple[str, str, str], list[StageVerdict]] = defaultdict(list)
        for row in group:
            cells[row.result.method, row.result.model, row.result.check].append(row.stage)
        for cell, measured in cells.items():
            print(f"| {must} | {' | '.join(cell)} | {figures(measured, threshold)} |")
    print()


def figures(stages: list[StageVerdict], threshold: float) -> str:
    """Return the range of means over seeds and stages, the widest half-width, and the smallest distance in them."""
    intervals = [stage.interval for stage in stages]
    means, halves = [each.mean for each in intervals], [(each.high - each.low) / 2 for each in intervals]
    distances = [abs(threshold - abs(mean)) / half for mean, half in zip(means, halves, strict=True) if half > EXACT]
    margin = f"{min(distances):.1f}" if max(halves) >= EXACT else "exact"
    return f"{min(means):.3f} to {max(means):.3f} | {max(halves):.3f} | {margin}"


if __name__ == "__main__":
    main()
