"""Calibrate the thresholds of the SRC checks; prints the tables of ``docs/thresholds.md``.

A threshold lies half-way between the highest upper bound of what must pass and the lowest lower bound of what must
fail, over all networks, variants and seeds, rounded to 0.01. What must pass and fail is written down here, from the
literature, before anything is measured. Takes about five minutes on two cores.
"""

from __future__ import annotations

from collections import defaultdict

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.checks.catalogue import CHECKS

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
}


def main() -> None:
    results = [
        result
        for seed in SEEDS
        for method in (*REFERENCES, *CONTROLS, "guided_backprop")
        for result in check_method(method, seed=seed)
    ]
    for name in CHECKS:
        calibrate(name, [result for result in results if result.check.partition("[")[0] == name])


def calibrate(name: str, results: list[CheckResult]) -> None:
    must_pass = [result for result in results if result.method in REFERENCES]
    must_fail = [result for result in results if result.method in MUST_FAIL[result.check]]
    highest = max(bounds(result)[1] for result in must_pass)
    lowest = min(bounds(result)[0] for result in must_fail)
    threshold = round((highest + lowest) / 2, 2)
    print(f"## {name}\n")
    print(f"Highest upper bound of what must pass {highest:.3f}, lowest lower bound of what must fail {lowest:.3f}: ")
    print(f"threshold **{threshold:.2f}**.\n")
    print("| must | method | network | variant | stage | SRC over seeds | widest half-width | margin in half-widths |")
    print("|---|---|---|---|---|---|---|---|")
    for group, must in ((must_pass, "pass"), (must_fail, "fail")):
        for row in rows(group, threshold):
            print(f"| {must} | {row}")
    print()


def rows(results: list[CheckResult], threshold: float) -> list[str]:
    cells = defaultdict(list)
    for result in results:
        cells[result.method, result.model, result.check.partition("[")[2].rstrip("]")].append(result)
    return [row(*cell, group, threshold) for cell, group in cells.items()]


def row(method: str, model: str, variant: str, group: list[CheckResult], threshold: float) -> str:
    means = [result.statistic or 0.0 for result in group]
    half = max((bounds(result)[1] - bounds(result)[0]) / 2 for result in group)
    nearest = min(abs(threshold - abs(mean)) for mean in means)
    margin = f"{nearest / half:.1f}" if half > 1e-6 else "exact"
    stages = " / ".join(sorted({result.measured["stage"] for result in group}))
    span = f"{min(means):.3f} to {max(means):.3f}"
    return f"{method} | {model} | {variant or '-'} | {stages} | {span} | {half:.3f} | {margin} |"


def bounds(result: CheckResult) -> tuple[float, float]:
    """Return the bounds of |mean SRC|."""
    assert result.interval is not None, f"{result.check} of {result.method} on {result.model} is {result.verdict}"
    low, high = result.interval
    return (0.0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


if __name__ == "__main__":
    main()
