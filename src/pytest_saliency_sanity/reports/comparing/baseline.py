"""A baseline: the answers of a method, kept under version control, to which every later run is compared.

Standard library only. The file is JSON with an answer in each line, sorted, so that a diff reads well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from ...checks.judging.result import WORST_FIRST
from ...checks.plan import Plan
from ...checks.registry import CHECKS
from ...foundation.errors import LONGEST_WORD, quoted, shortened
from ...foundation.files import fault_of_schema, read_json, write_whole
from ...foundation.ids import split_variant
from ...measuring.interval import Interval
from ..record import Primitive, Record
from .answers import NOT_ASKED, UNDEFINED, Answer, has_moved, is_changed, name_of, named

SCHEMA = 1  # incremented if a key is removed or changes its meaning
UPDATE = "--saliency-update-baseline"
DIGITS = 4
Key = tuple[str, str, str]


class BaselineError(ValueError):
    """A file is not a baseline that this run can be compared with. The message says why, and what to do."""


@dataclass(frozen=True)
class Baseline:
    """Answers by question, and what they rest on.

    ``settings``: those that numbers depend on. ``written_with``: the versions of the run that wrote to it last.
    """

    settings: Mapping[str, Primitive]
    written_with: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[Key, Answer] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """The questions of a run beside a baseline: answered as before, changed, not in it, and no longer asked.

    ``moved``: of those that are as before, the ones whose number moved within the intervals.
    """

    same: tuple[Key, ...] = ()
    moved: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    new: tuple[Key, ...] = ()
    stale: tuple[Key, ...] = ()


def read(path: Path) -> Baseline:
    """Return the baseline in a file. Raises BaselineError if it can't be read, is none, or has another schema."""
    try:
        content = read_json(path)
    except ValueError as error:
        raise BaselineError(str(error)) from error
    if isinstance(content, dict) and "results" in content:
        raise BaselineError(f"{path} is a results.json: name another file, and write a baseline to it with {UPDATE}")
    renew = f"delete it, and write it again with {UPDATE}"
    if fault := fault_of_schema(content, path, SCHEMA, kind="a baseline", key="answers", renew=renew):
        raise BaselineError(fault)
    try:
        answers = [_answer_of(each) for each in content["answers"]]
        _require_texts(*content["written_with"].values())
        settings = dict(content["settings"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BaselineError(
            f"{path} is damaged ({type(error).__name__}: {error}): take it from version control again"
        ) from error
    if twice := repeated(each.key for each in answers):
        raise BaselineError(f"{path} has two answers to a question: {named(twice)}. Remove one of them")
    return Baseline(settings, content["written_with"], {each.key: each for each in answers})


def write(baseline: Baseline, path: Path) -> None:
    """Write a baseline, whole or not at all. Raises OSError if the folder takes no file."""
    answers = [json.dumps(_as_json(baseline.answers[key]), allow_nan=False) for key in sorted(baseline.answers)]
    lines = [
        "{",
        f' "schema": {SCHEMA},',
        f' "settings": {json.dumps(dict(baseline.settings), allow_nan=False)},',
        f' "written_with": {json.dumps(dict(sorted(baseline.written_with.items())))},',
        ' "answers": [',
        ",\n".join(f"  {each}" for each in answers),
        " ]",
        "}",
    ]
    write_whole(path, "\n".join(filter(None, lines)) + "\n")


def require_same(baseline: Baseline, settings: Mapping[str, Primitive], path: Path) -> None:
    """Raise BaselineError if a run has other settings than a baseline: then its numbers mean something else."""
    for name, value in settings.items():
        if baseline.settings.get(name) != value:
            was = shortened(str(baseline.settings.get(name, "none")), LONGEST_WORD)
            raise BaselineError(
                f"{path} was written with {name} {was}, and this run has {name} {value}: give --saliency-{name}={was}, "
                f"or name another file and write it with {UPDATE}"
            )


def compare(baseline: Baseline, records: Sequence[Record], plan: Plan) -> Comparison:
    """Return the questions of a run beside a baseline. A question that ended without a verdict is in no group."""
    found: dict[str, list[Key]] = {"same": [], "moved": [], "changed": [], "new": []}
    for answer in map(Answer.of_record, records):
        if answer.answered:
            before = baseline.answers.get(answer.key)
            group = "new" if before is None else "changed" if is_changed(before, answer) else "same"
            found[group].append(answer.key)
            if before and group == "same" and has_moved(before, answer):
                found["moved"].append(answer.key)
    return Comparison(
        **{group: tuple(keys) for group, keys in found.items()}, stale=tuple(stale(baseline, records, plan))
    )


def stale(baseline: Baseline, records: Sequence[Record], plan: Plan) -> list[Key]:
    """Return the questions of a baseline that a run selects but no longer asks.

    The run has their method and their model, but there is no such check any more, or the model lacks what it needs.
    What ``-k`` or another choice leaves out is not among them, and neither is a variant that was not named.
    """
    skipped = {each.key for each in records if Answer.of_record(each).verdict == NOT_ASKED}
    methods = {*plan.methods, *(each.method for each in records)}
    models = {"", *plan.models, *(each.model for each in records)}
    return [
        key
        for key in baseline.answers
        if key in skipped
        or (key[0] in methods and key[1] in models and _is_selected(key[2], plan) and not _is_asked(*key[1:], plan))
    ]


def updated(
    baseline: Baseline | None, settings: Mapping[str, Primitive], records: Sequence[Record], plan: Plan
) -> Baseline:
    """Return a baseline with the answers of a run in place of its own, without those that are no longer asked for.

    Questions that ended without a verdict, and those of other methods, models and checks, keep their answers. Raises
    BaselineError if two tests of the run answer the same question.
    """
    if twice := repeated(each.key for each in records):
        raise BaselineError(f"two tests answer the same question, {named(twice)}: give their methods different names")
    before = baseline or Baseline(settings)
    answers = [answer for answer in map(Answer.of_record, records) if answer.answered]
    kept = {key: before.answers[key] for key in before.answers.keys() - set(stale(before, records, plan))}
    versions = {name: version for each in records if each.result for name, version in each.versions.items()}
    return Baseline(settings, {**before.written_with, **versions}, kept | {each.key: each for each in answers})


def version_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what has another version than before, ``torchcam 0.4.0 -> 0.5.0``."""
    both = [name for name in after if name in before]
    return [f"{name} {before[name]} -> {after[name]}" for name in both if before[name] != after[name]]


def repeated(keys: Iterable[Key]) -> list[Key]:
    """Return the questions that occur more than once."""
    return [key for key, count in Counter(keys).items() if count > 1]


def _is_selected(question: str, plan: Plan) -> bool:
    """Return whether a run selects a check as a whole, and not only some of its variants or other checks."""
    check = CHECKS.all().get(split_variant(question)[0])
    return not plan.by_name or (check is not None and set(check.ids) <= set(plan.checks))


def _is_asked(model: str, question: str, plan: Plan) -> bool:
    return question in plan.checks and plan.asks(split_variant(question)[0], model)


def _as_json(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "method": answer.method,
        "model": answer.model,
        "check": answer.check,
        "verdict": answer.verdict,
    }
    if answer.interval.defined:
        found |= {name: round(value, DIGITS) for name, value in answer.interval._asdict().items()}
    if answer.threshold is not None:
        found |= {"above" if answer.above else "below": answer.threshold, "stage": answer.stage}
    return found


def _answer_of(content: Mapping[str, Any]) -> Answer:
    """Return the answer of such JSON as ``_as_json`` returns. Raises KeyError, TypeError or ValueError for other."""
    key = content["method"], content["model"], content["check"]
    _require_texts(*key, content.get("stage", ""))
    name = shortened(name_of(*key), LONGEST_WORD)
    if content["verdict"] not in WORST_FIRST:
        raise ValueError(
            f"{name} has the verdict {quoted(content['verdict'])}, which is none of {', '.join(WORST_FIRST)}"
        )
    interval = Interval(*(content[bound] for bound in Interval._fields)) if "mean" in content else UNDEFINED
    above = "above" in content
    threshold = content.get("above" if above else "below")
    numbers = [*(interval if interval.defined else ()), *([] if threshold is None else [threshold])]
    if not all(isinstance(each, int | float) and isfinite(each) for each in numbers):
        raise ValueError(f"{name} has a value that is not a number")
    if interval.defined and not interval.low <= interval.mean <= interval.high:
        raise ValueError(f"{name} has a mean that is not between low and high")
    return Answer(*key, content["verdict"], interval, content.get("stage", ""), threshold, above)


def _require_texts(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{quoted(value)} is not a text")
