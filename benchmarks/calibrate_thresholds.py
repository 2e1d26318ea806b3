"""Calibrate the thresholds of the checks; prints the tables of ``docs/thresholds.md``.

    python benchmarks/calibrate_thresholds.py [--records FILE] [--processes N] [--check NAME ...]

A threshold lies half-way between the worst bound of what must pass and the best bound of what must fail, over all
networks, variants and seeds, rounded to 0.01; maps with signs and maps without have one each. What must fail is
written down where a check is registered, from the literature; what must pass is ``MUST_PASS``: both before anything is
measured, but for VarGrad (docs/thresholds.md). Takes an hour on two cores, most of it for RISE; FILE keeps what is
done. ``--preset paper`` measures the paper's networks instead, which takes hours unless ``--check``, ``--method``,
``--model`` or ``--seeds`` ask for less.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from answers import NETWORKS, Answer, answered, keys_of, tasks_of

from pytest_saliency_sanity.checks.judging.result import StageVerdict
from pytest_saliency_sanity.checks.registry import CHECKS, Check, check_of
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.methods.registry import REFERENCE
from pytest_saliency_sanity.networks.presets.registry import PRESETS

SEEDS = (0, 1, 2)
OCCLUSION = "captum:Occlusion?sliding_window_shapes=(3,16,16)&strides=(3,8,8)"
# The paper, sections 4.1 and 4.2, and Adebayo et al. 2018 name the reference methods. The others are what honest users
# bring: Grad-CAM as captum has it, maps without signs, and methods that only look at scores.
OTHERS = ("gradcam?relu=False", "methods:gradient_magnitude", "methods:vargrad", "methods:occlusion", OCCLUSION)
MUST_PASS = (*REFERENCE, *OTHERS)
SLOW = "methods:rise"  # must pass too, under the first seed only
# Its signals converge with every layer that they pass, and three blocks are too few (docs/known-answers.md).
TOO_SHALLOW = "zennit:ExcitationBackprop", "resnet"
EXACT = 1e-6  # an interval that is narrower is a rounding of one number


class Row(NamedTuple):
    """A stage that was judged: what it is judged by, and of which answer it is."""

    at: str
    stage: StageVerdict
    answer: Answer

    @property
    def has_signs(self) -> bool:
        return self.answer.result.measured.has_signs


def main() -> None:
    calibrated = {name: check for name, check in CHECKS.all().items() if check.thresholds}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=Path("answers.jsonl"))
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--check", nargs="*", default=list(calibrated))
    options.add_argument("--method", nargs="*")
    options.add_argument("--model", nargs="*", default=NETWORKS)
    options.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    options.add_argument("--preset", choices=list(PRESETS.all()), default="embedded")
    given = options.parse_args()
    tasks = []
    for check in given.check:
        failing = [each for methods in calibrated[check].must_fail.values() for each in methods]
        tasks += tasks_of(given.method or (*MUST_PASS, *failing), given.seeds, [check], given.preset)
        tasks += [] if given.method else tasks_of([SLOW], given.seeds[:1], [check], given.preset)
    tasks = [task for task in tasks if task.network in given.model]
    rows = [row for answer in answered(tasks, given.records, given.processes) for row in rows_of(answer)]
    for name in given.check:
        check = calibrated[name]
        for at in check.thresholds:
            here = [row for row in rows if (check_of(row.answer.result.check).name, row.at) == (name, at)]
            for signed in (True, False) if at in check.unsigned else (None,):
                of_kind = [row for row in here if signed in (None, row.has_signs)]
                # Noise is as far from repeatable with signs as without.
                must_fail = [row for row in of_kind if must_fail_at(row)] or [row for row in here if must_fail_at(row)]
                must_pass = [row for row in of_kind if must_pass_at(row)]
                if must_pass and must_fail:
                    calibrate(check, at, must_pass, must_fail, signed)


def rows_of(answer: Answer) -> Iterator[Row]:
    """Yield the stages that were judged. A finding has no say, and neither have maps of which none is defined."""
    if answer.result.finding and answer.result.check == "null_region":
        return
    for at, stage in zip(keys_of(answer.result), answer.result.stages, strict=True):
        if stage.interval.defined:
            yield Row(at, stage, answer)


def must_fail_at(row: Row) -> bool:
    """Return whether a stage must give a method away. Once the lower layers are gone, only what ignores them must."""
    check, variant = split_variant(row.answer.result.check)
    spec, network = row.answer.task[:2]
    named = spec in CHECKS.named(check).must_fail.get(variant, ()) and (spec, network) != TOO_SHALLOW
    return named and (row.at != "last" or spec in ("sobel", "input"))


def must_pass_at(row: Row) -> bool:
    """Return whether a stage must let a method pass. What fills in pixels of a value of its own notices a shift."""
    shifted = row.at == "input_shift" and row.answer.task.spec in (OCCLUSION, "methods:occlusion", SLOW)
    return row.answer.task.spec in (*MUST_PASS, SLOW) and not shifted


def calibrate(check: Check, at: str, must_pass: Sequence[Row], must_fail: Sequence[Row], signed: bool | None) -> None:
    """Print the threshold of a stage, and what it lies between."""
    of = {None: "", True: ", maps with signs", False: ", maps without signs"}[signed]
    good, bad = bound(must_pass, best=check.above), bound(must_fail, best=not check.above)
    threshold = check.judged_by(signed=signed is not False)[at] if check.decided else round((good + bad) / 2, 2)
    sides = ("lowest lower", "highest upper") if check.above else ("highest upper", "lowest lower")
    print(f"### `{check.name}`, judged at: {at}{of}\n")
    print(f"The {sides[0]} bound of what must pass {good:.3f}, {sides[1]} bound of what must fail {bad:.3f}:")
    print(f"threshold **{threshold:.2f}**{' (decided)' * check.decided}.\n")
    print(f"| must | method | network | question | mean {check.quantity} | widest half-width | margin in half-widths |")
    print("|---|---|---|---|---|---|---|")
    for group, must in ((must_pass, "pass"), (must_fail, "fail")):
        cells: dict[tuple[str, str, str], list[StageVerdict]] = defaultdict(list)
        for row in group:
            cells[f"`{row.answer.task.spec}`", row.answer.task.network, row.answer.result.check].append(row.stage)
        for cell, measured in cells.items():
            print(f"| {must} | {' | '.join(cell)} | {figures(measured, threshold)} |")
    print()


def bound(rows: Iterable[Row], *, best: bool) -> float:
    """Return the lowest lower bound of some stages (``best``), or their highest upper bound."""
    if best:
        return min(row.stage.interval.low for row in rows)
    return max(row.stage.interval.high for row in rows)


def figures(stages: list[StageVerdict], threshold: float) -> str:
    """Return the range of means over seeds and stages, the widest half-width, and the smallest distance in them."""
    intervals = [stage.interval for stage in stages]
    means, halves = [each.mean for each in intervals], [each.half_width for each in intervals]
    distances = [abs(threshold - mean) / half for mean, half in zip(means, halves, strict=True) if half > EXACT]
    margin = f"{min(distances):.1f}" if max(halves) >= EXACT else "exact"
    return f"{min(means):.3f} to {max(means):.3f} | {max(halves):.3f} | {margin}"


if __name__ == "__main__":
    main()
