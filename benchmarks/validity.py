"""Count how often a verdict is wrong, under many seeds; write the tables of docs/validity.md.

    python benchmarks/validity.py [--records FILE] [--processes N] [--seeds N]

A seed draws other weights, other classes, other noise, and other images. Each answer is the one that a user gets: it
takes images and draws until it is sure. FILE keeps the answers, so that an interrupted run goes on where it stopped.
What stands in the document outside the marks is written by hand and stays.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from answers import OTHER, RECORDS, Answer, Task, answered, tasks_of
from documents import DOCS, rewrite
from known_methods import must_fail
from scipy.stats import binomtest

from pytest_saliency_sanity.checks.registry import CHECKS, check_of
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.methods.registry import CONTROLS, REFERENCE

SEEDS = 50
MUST_PASS = tuple(REFERENCE)
MUST_FAIL = (*CONTROLS, "guided_backprop")
SLOW = {("smoothgrad", "resnet"): 25}  # seeds; it takes as long as all the rest
EXACT = 1e-6  # an interval that is narrower is a rounding of one number
ENOUGH = 20  # seeds, for the mean over them to stand for the true one


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=RECORDS / "validity.jsonl.gz")
    options.add_argument("--processes", type=int, default=os.cpu_count())
    options.add_argument("--seeds", type=int, default=SEEDS)
    given = options.parse_args()
    answers = answered(tasks_under(given.seeds), given.records, given.processes)
    for name, lines in (
        ("false alarms", false_alarms(answers)),
        ("missed alarms", missed_alarms(answers)),
        ("questions", by_question(answers)),
        ("coverage", coverage(answers)),
    ):
        rewrite(DOCS / "validity.md", name, lines)


def tasks_under(seeds: int) -> list[Task]:
    """Return all tasks; the contract has no statistics, so it is left out."""
    by_model = [name for name, check in CHECKS.all().items() if check.by_model]
    tasks = tasks_of((*MUST_PASS, *MUST_FAIL), range(seeds), by_model, images=OTHER)
    return [task for task in tasks if task.seed < SLOW.get((task.spec, task.network), seeds)]


def decides(answer: Answer) -> bool:
    """Return whether an answer can turn a run red: a finding can't."""
    return not answer.result.finding


def is_red(answer: Answer) -> bool:
    return decides(answer) and answer.result.verdict != "passed"


def false_alarms(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the table of methods that must pass: how many of their questions and runs were red."""
    yield "| method | questions | red | share red | runs | red | which |"
    yield "|---|---|---|---|---|---|---|"
    total: list[Answer] = []
    for spec in MUST_PASS:
        asked = [answer for answer in answers if answer.task.spec == spec and decides(answer)]
        total += asked
        yield false_alarms_of(f"`{spec}`", asked)
    yield false_alarms_of("all", total)


def false_alarms_of(name: str, asked: Sequence[Answer]) -> str:
    red = [answer for answer in asked if is_red(answer)]
    which = Counter(f"`{each.task.question}` on {each.task.network}: {each.result.verdict}" for each in red)
    told = "; ".join(f"{text}, {count} times" if count > 1 else text for text, count in which.most_common())
    runs = by_run(asked)
    red_runs = sum(any(map(is_red, run)) for run in runs)
    return f"| {name} | {len(asked)} | {len(red)} | {share(len(red), len(asked))} | {len(runs)} | {red_runs} | {told} |"


def missed_alarms(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the table of controls: in how many runs, on all networks and on each, none of its questions was red."""
    yield "| control | runs | green | share green | on one network | green | share green |"
    yield "|---|---|---|---|---|---|---|"
    both: list[list[list[Answer]]] = [[], []]
    for spec in MUST_FAIL:
        asked = [answer for answer in answers if answer.task.spec == spec]
        kinds = by_run(asked), by_run(asked, by_network=True)
        both = [so_far + runs for so_far, runs in zip(both, kinds, strict=True)]
        yield missed_alarms_of(f"`{spec}`", *kinds)
    yield missed_alarms_of("all", *both)


def missed_alarms_of(name: str, *kinds: Sequence[Sequence[Answer]]) -> str:
    cells = []
    for runs in kinds:
        green = sum(not any(map(is_red, run)) for run in runs)
        cells.append(f"{len(runs)} | {green} | {share(green, len(runs))}")
    return f"| {name} | {' | '.join(cells)} |"


def by_question(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the table of questions that must give a control away, findings too: how often they did not."""
    yield "| question | control | network | asked | failed | inconclusive | passed |"
    yield "|---|---|---|---|---|---|---|"
    groups: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    for answer in answers:
        task = answer.task
        if task.spec in MUST_FAIL and must_fail(task.spec, task.question):
            groups[task.question, task.spec, task.network][answer.result.verdict] += 1
    missed = {at: verdicts for at, verdicts in groups.items() if set(verdicts) != {"failed"}}
    for (question, spec, network), verdicts in missed.items():
        counts = " | ".join(str(verdicts[each]) for each in ("failed", "inconclusive", "passed"))
        yield f"| `{question}` | `{spec}` | {network} | {sum(verdicts.values())} | {counts} |"
    asked = sum(sum(verdicts.values()) for at, verdicts in groups.items() if at not in missed)
    others = f"the {len(groups) - len(missed)} others" if missed else f"all {len(groups)}"
    yield f"| {others} | | | {asked} | {asked} | 0 | 0 |"


def coverage(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield the table of how often the interval of a stage has the mean over all seeds in it."""
    yield "| check | stages | intervals | cover | share | least of a stage |"
    yield "|---|---|---|---|---|---|"
    stages: dict[tuple[str, ...], list[Interval]] = defaultdict(list)
    for answer in answers:
        for stage in answer.result.stages:
            if stage.interval.defined and stage.interval.high - stage.interval.low > EXACT:
                stages[answer.task.spec, answer.task.network, answer.task.question, stage.stage].append(stage.interval)
    covered: dict[str, list[list[bool]]] = defaultdict(list)
    for (_, _, question, _), intervals in stages.items():
        if len(intervals) >= ENOUGH:
            covered[check_of(question).name].append(covering(intervals))
    every = [stage for of_check in covered.values() for stage in of_check]
    for name, found in [*covered.items(), ("all", every)]:
        count, of = sum(map(sum, found)), sum(map(len, found))
        least = min(sum(stage) / len(stage) for stage in found)
        yield f"| {name} | {len(found)} | {of} | {count} | {share(count, of)} | {least:.2f} |"


def covering(intervals: Sequence[Interval]) -> list[bool]:
    """Return which intervals have the mean of all means in them."""
    mean = sum(each.mean for each in intervals) / len(intervals)
    return [each.low <= mean <= each.high for each in intervals]


def by_run(answers: Iterable[Answer], *, by_network: bool = False) -> list[list[Answer]]:
    """Return the answers of each run: what a user gets from one method, on all networks or on a single one."""
    runs: dict[tuple[str, int, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        runs[answer.task.spec, answer.task.seed, answer.task.network if by_network else ""].append(answer)
    return list(runs.values())


def share(count: int, of: int) -> str:
    """Return a share in per cent, with its 95 % interval (Clopper and Pearson 1934)."""
    low, high = binomtest(count, of).proportion_ci(0.95, method="exact")
    rate, least, most = (
        f"{each:.0f}" if each >= 10 else f"{each:.2g}" for each in (100 * count / of, 100 * low, 100 * high)
    )
    return f"{rate} % ({least} to {most})"


if __name__ == "__main__":
    main()
