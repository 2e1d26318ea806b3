"""Answers of many methods, networks and seeds, kept in a file, so that an interrupted run goes on where it stopped.

Verdicts are not kept but made anew from the intervals when the file is read, so that other thresholds need no new
measurement.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO, cast

from strips import Strip, add_strips

from pytest_saliency_sanity.checks.judging.result import (  # none of these imports torch
    CheckResult,
    StageVerdict,
    decisive,
    not_asked,
)
from pytest_saliency_sanity.checks.judging.verdict import side_of
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids
from pytest_saliency_sanity.foundation.ids import split_variant
from pytest_saliency_sanity.networks.presets.registry import PRESETS

if TYPE_CHECKING:
    from pytest_saliency_sanity.networks.presets.protocol import PresetNetworks

os.environ.setdefault("OMP_NUM_THREADS", "1")
EMBEDDED = PRESETS.named("embedded")
NETWORKS = EMBEDDED.networks
RECORDS = Path(__file__).with_name("records")  # what the tables of docs were made from
# Which images are explained, and how many: the first ones that are held out, one table of a fixed size, so that the
# intervals of all answers are of one kind; the first ones, until the answer is sure, as a user gets it; or others for
# each seed, until the answer is sure.
FIXED, SURE, OTHER = "fixed", "sure", "other"


class Task(NamedTuple):
    """A question for a method, as it is asked for by its spec, on a network. The contract has no network."""

    spec: str
    network: str
    question: str
    seed: int = 0
    preset: str = "embedded"
    images: str = FIXED


class Answer(NamedTuple):
    """A task and its result. If the method raised, ``result.not_asked`` says what. ``strip``: of its maps, if kept."""

    task: Task
    result: CheckResult
    strip: Strip | None = None


def tasks_of(
    specs: Iterable[str],
    seeds: Iterable[int] = (0,),
    checks: Sequence[str] = (),
    preset: str = "embedded",
    images: str = FIXED,
) -> list[Task]:
    """Return all tasks of methods on the networks that can be asked, seed by seed and method by method."""
    return [
        Task(spec, network, question, seed, preset, images)
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


def answered(tasks: Sequence[Task], file: Path, processes: int = 2, strips: Path | None = None) -> list[Answer]:
    """Return the answers to tasks, in order; measure those that the file does not have, and add them to it.

    ``strips``: a folder that gets a few maps of each, which are then kept with their curves.
    """
    found = read(file)
    left = together([task for task in dict.fromkeys(tasks) if task not in found])
    if left:  # else even a compressed file stays as it is
        found |= measured(left, file, processes, strips)
    return [Answer(task, found[task]) for task in dict.fromkeys(tasks)]


def measured(
    groups: Sequence[Sequence[Task]], file: Path, processes: int, strips: Path | None = None
) -> dict[Task, CheckResult]:
    """Return the answers to groups of tasks, and add each to a file as soon as it is known."""
    found: dict[Task, CheckResult] = {}
    with ProcessPoolExecutor(processes) as pool, opened(file, "at") as kept:
        futures = [pool.submit(ask, group, strips) for group in groups]
        for number, future in enumerate(as_completed(futures), 1):
            answers = future.result()
            found.update((answer.task, answer.result) for answer in answers)
            kept.writelines(map(line_of, answers))
            kept.flush()
            task = answers[0].task
            print(
                f"{number}/{len(groups)} {task.spec} on {task.network or 'its own networks'}, seed {task.seed}",
                flush=True,
            )
    return found


def together(tasks: Iterable[Task]) -> list[list[Task]]:
    """Return the tasks in groups that differ by the question only, since these share the trained model's maps."""
    groups: dict[Task, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task._replace(question=""), []).append(task)
    return list(groups.values())


def ask(tasks: Sequence[Task], strips: Path | None = None) -> list[Answer]:
    """Return the answers to tasks that differ by the question only, without what only a message would show.

    ``strips``: as ``answered``.
    """
    from pytest_saliency_sanity import check_method
    from pytest_saliency_sanity.checks.registry import IMAGES
    from pytest_saliency_sanity.foundation.errors import SaliencyMethodError

    first = tasks[0]
    results: list[CheckResult]
    try:
        results = check_method(
            first.spec,
            models=[first.network] if first.network else None,
            preset=preset_of(first),
            checks=[task.question for task in tasks],
            images=IMAGES if first.images == FIXED else None,
            seed=first.seed,
            device="cpu",
            explain=strips is not None,
            illustrate=strips is not None,
        )
    except SaliencyMethodError as error:
        if len(tasks) > 1:
            return [answer for task in tasks for answer in ask([task], strips)]
        why = str(error).strip().splitlines()[0]
        results = [not_asked(first.question, first.spec, first.network, first.seed, why)]
    kept = add_strips(strips, first.spec, first.network, results) if strips else {}
    by_question = {result.check: without_the_rest(result, strips is not None) for result in results}
    return [Answer(task, by_question[task.question], kept.get(task.question)) for task in tasks]


def without_the_rest(result: CheckResult, with_curve: bool) -> CheckResult:
    """Return a result without what no table shows, which would be most of the file."""
    return replace(result, message="", evidence=None, curve=result.curve if with_curve else ())


def preset_of(task: Task) -> PresetNetworks | str:
    """Return the preset of a task; if it wants other images, opened with those of its seed."""
    if task.images != OTHER:
        return task.preset
    from other_images import OtherImages

    return OtherImages(task.seed)


def read(file: Path) -> dict[Task, CheckResult]:
    """Return the answers that were kept, judged by today's thresholds."""
    return {
        Task(*each["task"]): judged(CheckResult.from_record(completed(each["result"]))) for each in records_of(file)
    }


def strips_kept(file: Path) -> dict[Task, Strip]:
    """Return the strips of maps of the answers that were kept."""
    found = {Task(*each["task"]): each.get("strip") for each in records_of(file)}
    return {task: Strip(strip[0], strip[1], tuple(strip[2])) for task, strip in found.items() if strip}


def records_of(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of answers; none if there is no file."""
    if not file.exists():
        return []
    with opened(file, "rt") as kept:
        return list(map(json.loads, kept))


def completed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a result with the keys that results had not yet when it was kept."""
    return {"curve": []} | record | {"measured": {"chance": None} | record["measured"]}


def opened(file: Path, mode: str) -> TextIO:
    """Return a file of answers; one whose name ends in ``.gz`` is compressed."""
    return cast("TextIO", gzip.open(file, mode) if file.suffix == ".gz" else file.open(mode))


def line_of(answer: Answer) -> str:
    """Return an answer as a line of the file."""
    line: dict[str, Any] = {"task": answer.task, "result": answer.result.as_record()}
    if answer.strip:
        line["strip"] = answer.strip
    return json.dumps(line, allow_nan=False) + "\n"


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
    """Yield what each judged stage is judged by: its own name, or where in the cascade it stands.

    A stage of the cascade bears the name of a layer, which may be ``classifier`` whatever it is judged by.
    """
    check, variant = split_variant(result.check)
    for number, stage in enumerate(result.stages):
        if variant == "independent" or (variant == "top_down" and number == 0):
            yield "classifier"
        elif variant in ("top_down", "bottom_up"):
            yield "last"
        else:
            yield stage.stage if stage.stage in check_of(check).thresholds else "last"


def judged_stage(stage: StageVerdict, threshold: float) -> StageVerdict:
    """Return a stage with the verdict that its interval gets by a threshold. What is undefined stays so."""
    if stage.verdict == "undefined":
        return replace(stage, threshold=threshold)
    return replace(stage, threshold=threshold, verdict=side_of(stage.interval, threshold, above=stage.above))
