"""Answers of many methods, networks and seeds, kept in a file, so that an interrupted run goes on where it stopped.

Verdicts are not kept but made anew from the intervals when the file is read, so that other thresholds need no new
measurement.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pytest_saliency_sanity.checks.judging.result import (  # none of these imports torch
    CheckResult,
    StageVerdict,
    decisive,
)
from pytest_saliency_sanity.checks.judging.verdict import side_of
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.networks.presets.registry import PRESETS

os.environ.setdefault("OMP_NUM_THREADS", "1")
EMBEDDED = PRESETS.named("embedded")
NETWORKS = EMBEDDED.networks


class Task(NamedTuple):
    """A question for a method, as it is asked for by its spec, on a network. The contract has no network."""

    spec: str
    network: str
    question: str
    seed: int = 0
    preset: str = "embedded"


class Answer(NamedTuple):
    """A task and its result."""

    task: Task
    result: CheckResult


def tasks_of(
    specs: Iterable[str], seeds: Iterable[int] = (0,), checks: Sequence[str] = (), preset: str = "embedded"
) -> list[Task]:
    """Return all tasks of methods on the networks that can be asked, seed by seed and method by method."""
    return [
        Task(spec, network, question, seed, preset)
        for seed in seeds
        for spec in dict.fromkeys(specs)
        for question in question_ids(checks or CHECKS.all())
        for network in networks_for(question)
    ]


def networks_for(question: str) -> tuple[str, ...]:
    """Return the networks that have what a question needs; an empty name if it is put to the method alone."""
    check = check_of(question)
    if not check.by_model:
        return ("",)
    return tuple(each for each in NETWORKS if not set(check.needs) & set(EMBEDDED.lacking(each)))


def answered(tasks: Sequence[Task], file: Path, processes: int = 2) -> list[Answer]:
    """Return the answers to tasks, in order; measure those that the file does not have, and add them to it."""
    found = read(file)
    left = [task for task in dict.fromkeys(tasks) if task not in found]
    with ProcessPoolExecutor(processes) as pool, file.open("a") as kept:
        futures = {pool.submit(ask, task): task for task in left}
        for number, future in enumerate(as_completed(futures), 1):
            task = futures[future]
            found[task] = future.result()
            kept.write(line_of(Answer(task, found[task])))
            kept.flush()
            print(f"{number}/{len(left)} {' '.join(map(str, task))}", flush=True)
    return [Answer(task, found[task]) for task in dict.fromkeys(tasks)]


def ask(task: Task) -> CheckResult:
    """Return the result of one task, without measuring what only a message would show."""
    from pytest_saliency_sanity import check_method
    from pytest_saliency_sanity.checks.registry import IMAGES

    models = [task.network] if task.network else None
    (result,) = check_method(
        task.spec,
        models=models,
        preset=task.preset,
        checks=[task.question],
        images=IMAGES,  # all of them, so that answers have intervals of one kind
        seed=task.seed,
        device="cpu",
        explain=False,
    )
    return replace(result, message="")


def read(file: Path) -> dict[Task, CheckResult]:
    """Return the answers that were kept, judged by today's thresholds."""
    records = map(json.loads, file.read_text().splitlines() if file.exists() else [])
    return {Task(*each["task"]): judged(CheckResult.from_record(each["result"])) for each in records}


def line_of(answer: Answer) -> str:
    """Return an answer as a line of the file."""
    return json.dumps({"task": answer.task, "result": answer.result.as_record()}, allow_nan=False) + "\n"


def judged(result: CheckResult) -> CheckResult:
    """Return a result with the verdicts that its intervals get by today's thresholds."""
    check = check_of(result.check)
    if not result.stages:
        return result
    keys = dict(zip((stage.stage for stage in result.stages), keys_of(result), strict=True))
    signed, unsigned = check.judged_by(signed=result.measured.has_signs), check.judged_by(signed=False)
    stages = tuple(judged_stage(each, signed[keys[each.stage]]) for each in result.stages)
    magnitudes = tuple(judged_stage(each, unsigned[keys[each.stage]]) for each in result.magnitudes)
    return replace(result, stages=stages, magnitudes=magnitudes, verdict=decisive(stages).verdict)


def keys_of(result: CheckResult) -> Iterator[str]:
    """Yield what each judged stage is judged by: its own name, or where in the cascade it stands."""
    thresholds = check_of(result.check).thresholds
    _, variant = split_variant(result.check)
    for number, stage in enumerate(result.stages):
        if stage.stage in thresholds:
            yield stage.stage
        elif variant == "independent" or (variant == "top_down" and number == 0):
            yield "classifier"
        else:
            yield "last"


def judged_stage(stage: StageVerdict, threshold: float) -> StageVerdict:
    """Return a stage with the verdict that its interval gets by a threshold. What is undefined stays so."""
    if stage.verdict == "undefined":
        return replace(stage, threshold=threshold)
    return replace(stage, threshold=threshold, verdict=side_of(stage.interval, threshold, above=stage.above))
