"""Time whole cascades of this project, of Quantus and of captum with scipy, and compare ours with the least possible.

    python benchmarks/performance.py [--runs N] [--threads N ...] [--rows NAME ...] [--small] [--write]

Needs the extra ``performance``. Prints tables; ``--write`` puts them into docs/performance.md, between two marks; what
stands around these stays. ``--small`` takes seconds and only shows that all of it works. All contestants run in turns
in this process, after a first run that is not timed: there, memory and passes through the network are observed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import torch
from documents import DOCS, rewrite
from ideal import Work, ideal
from machine import described
from peers import by_captum, by_quantus
from ranks import HEADING as RANKS
from ranks import rank_row
from stopwatch import Observed, Times, in_turns, observed, threads
from workloads import JOBS, LARGE, Job, Workload, judged, ours, small, workload_of

OURS, JUDGED, QUANTUS, CAPTUM = "ours", "ours, judged stages", "Quantus", "captum + scipy"
CONTESTANTS: Mapping[str, Callable[[Workload], object]] = {
    OURS: ours,
    JUDGED: judged,
    QUANTUS: by_quantus,
    CAPTUM: by_captum,
}
SPEARMAN, MEMORY = "spearman", "memory"
ROWS = (*(job.name for job in JOBS), SPEARMAN, MEMORY)
REPEATS = 5  # of each layer alone

TIMES = ("cascade", "threads", *(f"{name}, s" for name in CONTESTANTS), f"{QUANTUS} / ours", f"{CAPTUM} / ours")
LIMITS = ("cascade", "threads", "least work, GFLOP", "GFLOP/s", "ideal, s", "ours, s", "share of the ideal")
PEAKS = ("peak memory above the start, MB", *CONTESTANTS)
PASSES = (
    "forward passes of all images, mean over the convolutions (calls of the network; passes in them)",
    *CONTESTANTS,
)


class Measured(NamedTuple):
    """A job in so many threads: the times of each contestant, and the least work."""

    job: Job
    threads: int
    times: Mapping[str, Times]
    ideal: Work

    def time_row(self) -> list[str]:
        """Return the row of ``TIMES``."""
        ratios = (self.times[peer].over(self.times[OURS]) for peer in (QUANTUS, CAPTUM))
        return [str(self.job), str(self.threads), *(str(self.times[name]) for name in CONTESTANTS), *ratios]

    def limit_row(self) -> list[str]:
        """Return the row of ``LIMITS``."""
        flops, seconds = self.ideal
        took = self.times[OURS].median
        cells = (flops / 1e9, flops / seconds / 1e9, seconds, took)
        return [str(self.job), str(self.threads), *(f"{cell:.3g}" for cell in cells), f"{seconds / took:.0%}"]


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    options.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS, metavar="NAME", help=", ".join(ROWS))
    options.add_argument("--small", action="store_true", help="two small images and one run")
    options.add_argument("--write", action="store_true", help="into docs/performance.md")
    given = options.parse_args(arguments)
    if given.write and (given.small or set(given.rows) != set(ROWS)):
        options.error("--write needs every row in full: leave out --rows and --small")
    text = "\n".join(report(given.rows, 1 if given.small else given.runs, given.threads, shrink=given.small))
    print(text)
    if given.write:
        rewrite(DOCS / "performance.md", "benchmarks/performance.py", [text])


def report(rows: Sequence[str], runs: int, counts: Sequence[int], *, shrink: bool) -> Iterator[str]:
    """Yield the lines of all tables. ``counts``: of threads; memory and passes are observed with the last of them."""
    jobs = [small(job) if shrink else job for job in JOBS if job.name in rows]
    for contestant in CONTESTANTS.values():
        contestant(workload_of(small(JOBS[0])))  # imports what it needs
    seen, measured = {}, []
    for job in jobs:
        workload = workload_of(job)
        with threads(counts[-1]):
            seen[str(job)] = all_watched(workload)
        for count in counts:
            with threads(count):
                measured.append(measured_in_turns(workload, runs))
    yield f"{described()} Times are medians (lowest to highest); runs: {runs}.\n"
    if jobs:
        yield from table(TIMES, [each.time_row() for each in measured])
        yield from table(LIMITS, [each.limit_row() for each in measured])
        yield from table(PASSES, [[name, *(str(each.passes) for each in row)] for name, row in seen.items()])
    peaks = [[name, *(f"{each.megabytes:.0f}" for each in row)] for name, row in seen.items()]
    if MEMORY in rows:
        peaks.append(large_row(small(LARGE) if shrink else LARGE, counts[-1]))
    if peaks:
        yield from table(PEAKS, peaks)
    if SPEARMAN in rows:
        yield from table(RANKS, [ranked(count, runs, shrink=shrink) for count in counts])


def measured_in_turns(workload: Workload, runs: int) -> Measured:
    """Time all contestants, in as many threads as PyTorch is set to use."""
    progress(f"{workload.job}, threads: {torch.get_num_threads()}, timed runs: {runs}")
    calls = {name: partial(contestant, workload) for name, contestant in CONTESTANTS.items()}
    times = in_turns(calls, runs, workload.device)
    return Measured(workload.job, torch.get_num_threads(), times, ideal(workload, REPEATS))


def all_watched(workload: Workload) -> list[Observed]:
    """Run each contestant once, and return what it needs."""
    return [watched(workload, contestant) for contestant in CONTESTANTS.values()]


def watched(workload: Workload, contestant: Callable[[Workload], object]) -> Observed:
    """Run a contestant once, and return what it needs."""
    progress(f"{workload.job}, a run that is observed")
    rows = len(workload.images) * workload.job.samples
    return observed(partial(contestant, workload), workload.model, rows, workload.device)


def large_row(job: Job, count: int) -> list[str]:
    """Return the row of ``PEAKS`` for a job that is too long for more than one stage, and for the others."""
    with threads(count):
        seen = watched(workload_of(job), partial(ours, at="classifier"))
    return [f"{job}, one stage", f"{seen.megabytes:.0f}", *[""] * (len(CONTESTANTS) - 1)]


def ranked(count: int, runs: int, *, shrink: bool) -> list[str]:
    """Return the row of rank correlations in so many threads."""
    with threads(count):
        return rank_row(runs, *((4, 32) if shrink else (100, 224)))


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, and an empty one."""
    for row in (heading, ["---"] * len(heading), *rows):
        yield f"| {' | '.join(row)} |"
    yield ""


def progress(line: str) -> None:
    """Say what is being done, where it does not get among the tables."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
