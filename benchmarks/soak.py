"""Ask questions for an hour in one process, and watch its memory: it must not grow.

    python benchmarks/soak.py [--minutes 60] [--kept FILE] [--write]

All methods of a list are checked on all shipped networks, again and again. FILE gets the resident memory after each
round. Exit status 1 if the memory at the end is more than 5 % above that after the first twelfth of the time (five
minutes of an hour). With ``--write``, the figures go to ``docs/reliability.md``.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
from documents import DOCS, rewrite

from pytest_saliency_sanity import check_method

METHODS = (
    "gradcam",
    "gradient",
    "smoothgrad?n_samples=5",
    "captum:IntegratedGradients?n_steps=5",
    "sobel",
    "uniform_noise",
)
MOST_GROWTH = 0.05
WINDOW = 12  # readings of which the median is compared, since single ones differ by what was just asked


class Reading(NamedTuple):
    """The resident memory, in bytes, after so many seconds and questions."""

    seconds: float
    questions: int
    resident: int


def readings(minutes: float) -> Iterator[Reading]:
    """Ask, and yield a reading after each method."""
    begin, questions, number = time.monotonic(), 0, 0
    while time.monotonic() - begin < 60 * minutes:
        method = METHODS[number % len(METHODS)]
        questions += len(check_method(method, seed=number, explain=bool(number % 2)))
        number += 1
        gc.collect()
        yield Reading(time.monotonic() - begin, questions, psutil.Process().memory_info().rss)


def growth(found: Sequence[Reading]) -> tuple[float, float]:
    """Return the memory, in MB, after a twelfth of the time, and at the end."""
    early = [each.resident for each in found if each.seconds >= found[-1].seconds / 12][:WINDOW]
    late = [each.resident for each in found][-WINDOW:]
    return median(early) / 1e6, median(late) / 1e6


def main() -> int:
    """Measure; return 1 if the memory grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kept", type=Path, default=Path("soak.jsonl"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = []
    with options.kept.open("w") as kept:
        for reading in readings(options.minutes):
            found.append(reading)
            kept.write(json.dumps(reading) + "\n")
            kept.flush()
    early, late = growth(found)
    last = found[-1]
    line = (
        f"In {last.seconds / 60:.0f} minutes one process answered {last.questions} questions. Its resident memory was "
        f"{early:.0f} MB after {last.seconds / 720:.0f} minutes and {late:.0f} MB at the end ({late / early - 1:+.1%})."
    )
    print(line)
    if options.write:
        rewrite(DOCS / "reliability.md", "soak", [line])
    return int(late > early * (1 + MOST_GROWTH))


if __name__ == "__main__":
    sys.exit(main())
