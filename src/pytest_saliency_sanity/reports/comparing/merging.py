"""Joins runs that each asked a part of the questions, as shards on several machines do. Standard library only."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from ...checks.plan import Plan
from ...checks.registry import CHECKS
from ...foundation.errors import LONGEST_WORD, shortened
from ...foundation.ids import split_variant
from ..json_report import SETTINGS
from ..record import Record
from ..run import Run
from .answers import named

Key = tuple[str, str, str]
Shards = Mapping[str, Run]  # by the names of their files


class MergeError(ValueError):
    """Runs that can't be joined. The message says why."""


def merge(shards: Shards) -> Run:
    """Return the run that several make together: the records of all, in the order of the plan.

    Raises MergeError if settings, plans or versions do not fit, if a question was put twice, or if one was not put.
    """
    runs = list(shards.values())
    if len(runs) < 2:
        raise MergeError("two runs at least are needed, each of its own file")
    _require_same_settings(shards)
    _require_same_versions(shards)
    _require_no_overlap(shards)
    plan = joined(shards)
    records = [record for run in runs for record in run.records]
    if missing := gaps(plan, records):
        raise MergeError(
            f"{len(missing)} of the planned questions were not put in any of these runs: {named(missing)}. "
            "A shard is missing, or it was interrupted"
        )
    return replace(
        runs[0],
        plan=plan,
        records=tuple(sorted(records, key=plan.place)),
        notes=_each_once(note for run in runs for note in run.notes),
        planned=len(records),  # a run of a part of a plan counts the whole
        ran=sum(run.ran for run in runs),
        own=sum(run.own for run in runs),
        outcomes=sum((Counter(run.outcomes) for run in runs), Counter()),
        problems=_each_once(problem for run in runs for problem in run.problems),
        started=min(run.started for run in runs),
        seconds=round(sum(run.seconds for run in runs), 3),
        command="; ".join(_each_once(run.command for run in runs)),
    )


def joined(shards: Shards) -> Plan:
    """Return the plan of all shards: they ask the same checks, of the same or of different methods and models.

    Raises MergeError if their plans do not fit.
    """
    plans = {name: run.plan for name, run in shards.items()}
    (first, plan), *others = plans.items()
    lacking: dict[str, Collection[str]] = dict(plan.lacking)
    for name, other in others:
        if other.checks != plan.checks:
            unlike = sorted(set(plan.checks) ^ set(other.checks)) or ["their order"]
            raise MergeError(f"{first} and {name} were to ask different checks, {_told(', '.join(unlike))}")
        for model in {*plan.models} & {*other.models}:
            if set(plan.lacking.get(model, ())) != set(other.lacking.get(model, ())):
                raise MergeError(
                    f"{first} and {name} do not ask the same of {_told(model)}: name it in both runs, or in none"
                )
        lacking |= other.lacking
    return replace(
        plan,
        methods=_each_once(method for each in plans.values() for method in each.methods),
        models=_each_once(model for each in plans.values() for model in each.models),
        lacking=lacking,
    )


def gaps(plan: Plan, records: Sequence[Record]) -> list[Key]:
    """Return the planned questions that have no record.

    If fixtures of a project give the method or the model, the records have other names than the plan.
    """
    methods = _planned_or_found(plan.methods, (each.method for each in records))
    models = _planned_or_found(plan.models, (each.model for each in records))
    of_a_model = {each.question for each in records if each.model}
    found = {each.key for each in records}
    return [
        (method, model, question)
        for method in methods
        for model in (*models, "")
        for question in plan.checks
        if _is_asked(plan, question, model, of_a_model) and (method, model, question) not in found
    ]


def _is_asked(plan: Plan, question: str, model: str, of_a_model: Collection[str]) -> bool:
    check = split_variant(question)[0]
    if check in CHECKS.all():
        return plan.asks(check, model)
    return bool(model) == (question in of_a_model)  # a check that only the project knew


def _planned_or_found(planned: Sequence[str], found: Iterable[str]) -> Sequence[str]:
    names = dict.fromkeys(name for name in found if name)
    return planned if set(planned) & set(names) else list(names) or planned


def _require_same_settings(shards: Shards) -> None:
    (first, run), *others = shards.items()
    for name, other in others:
        for setting in SETTINGS:
            mine, theirs = getattr(run, setting), getattr(other, setting)
            if mine != theirs:
                raise MergeError(f"{first} has {setting} {_told(mine)}, and {name} has {setting} {_told(theirs)}")


def _require_same_versions(shards: Shards) -> None:
    known: dict[str, tuple[str, str]] = {}
    for name, run in shards.items():
        for record in run.records:
            for package, version in record.versions.items():
                first, other = known.setdefault(package, (name, version))
                if other != version:
                    package, other, version = map(_told, (package, other, version))
                    raise MergeError(f"{first} has {package} {other}, and {name} has {package} {version}")


def _require_no_overlap(shards: Shards) -> None:
    answered: dict[Key, list[str]] = defaultdict(list)
    for name, run in shards.items():
        for record in run.records:
            answered[record.key].append(name)
    if twice := [key for key, names in answered.items() if len(names) > 1]:
        where = " and ".join(dict.fromkeys(answered[twice[0]]))
        raise MergeError(f"{len(twice)} questions were put more than once, in {where}: {named(twice)}")


def _told(value: object) -> str:
    return shortened(str(value), LONGEST_WORD)


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
