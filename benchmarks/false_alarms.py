"""Count how often methods that must pass do not, under many seeds; prints the table of ``docs/known-answers.md``.

    python benchmarks/false_alarms.py [--records FILE] [--processes N] [--seeds N]

A seed draws other weights, other classes, other masks and other noise; the images stay. Takes hours, most of it for
occlusion and RISE; FILE keeps what is done.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from answers import Answer, answered, tasks_of
from calibrate_thresholds import OCCLUSION, OTHERS, SLOW

from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.methods.registry import REFERENCE

METHODS = (*REFERENCE, *(each for each in OTHERS if each != OCCLUSION), "methods:expected_gradients", SLOW)
SEEDS = 20


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=Path("answers.jsonl"))
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--seeds", type=int, default=SEEDS)
    given = options.parse_args()
    by_model = [name for name, check in CHECKS.all().items() if check.by_model]
    tasks = tasks_of(METHODS, range(given.seeds), by_model)
    print("\n".join(table(answered(tasks, given.records, given.processes))))


def table(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the lines of a table: for each method, how many questions were put to it, and which it did not pass."""
    yield "| method | seeds | questions | not passed | which |\n|---|---|---|---|---|"
    for spec in METHODS:
        of_method = [answer for answer in answers if answer.task.spec == spec]
        asked = [answer for answer in of_method if not answer.result.finding]
        red = [answer for answer in asked if answer.result.verdict != "passed"]
        which = Counter(f"`{each.task.question}` on {each.task.network}: {each.result.verdict}" for each in red)
        told = "; ".join(f"{name} ({count} times)" if count > 1 else name for name, count in which.items())
        seeds = len({answer.task.seed for answer in of_method})
        yield f"| `{spec}` | {seeds} | {len(asked)} | {len(red)} | {told} |"


if __name__ == "__main__":
    main()
