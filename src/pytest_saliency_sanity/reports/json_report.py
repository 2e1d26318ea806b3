"""The report ``json``: every record of a run, for programs, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path
from textwrap import shorten
from typing import Any

from ..checks.plan import Plan
from ..foundation.files import fault_of_schema, read_json, write_whole
from .record import Record
from .run import Run

SCHEMA = 4  # incremented if a key is removed or changes its meaning; docs/records.md says what may change
SETTINGS = ("preset", "tier", "device", "images", "seed", "sign", "law", "confidence")
COURSE = ("planned", "ran", "own", "started", "seconds", "command")


class RecordsError(ValueError):
    """A file is not a ``results.json`` that this version can read. The message says why, and what to do."""


def write(run: Run, path: Path) -> None:
    """Write the settings and every record of a run, as JSON in UTF-8, without NaN or infinity."""
    write_whole(path, json.dumps(as_json(run), indent=1, allow_nan=False) + "\n")


def as_json(run: Run) -> dict[str, Any]:
    """Return a run as JSON primitives; ``from_json`` is the inverse, but for the evidence."""
    plan = run.plan
    return {
        "schema": SCHEMA,
        **{name: getattr(run, name) for name in (*SETTINGS, *COURSE)},
        "plan": {
            "methods": list(plan.methods),
            "models": list(plan.models),
            "checks": list(plan.checks),
            "lacking": {model: sorted(needs) for model, needs in plan.lacking.items()},
        },
        "outcomes": dict(run.outcomes),
        "problems": list(run.problems),
        "notes": list(run.notes),
        "results": [record.as_record() for record in run.records],
    }


def from_json(content: dict[str, Any]) -> Run:
    """Return the run of such JSON as ``as_json`` returns. Raises KeyError, TypeError or ValueError for other JSON."""
    plan = content["plan"]
    records = tuple(map(Record.from_record, content["results"]))
    methods, models, checks = (tuple(plan[name]) for name in ("methods", "models", "checks"))
    return Run(
        plan=Plan(methods, models, checks, lacking=plan["lacking"]),
        **{name: content[name] for name in (*SETTINGS, *COURSE)},
        records=records,
        notes=tuple(content["notes"]),
        outcomes=Counter(content["outcomes"]),
        problems=tuple(content["problems"]),
    )


def read(path: Path) -> Run:
    """Return the run of a ``results.json``.

    Raises RecordsError if the file can't be read, is not such a file, or has another schema.
    """
    try:
        content = read_json(path)
    except ValueError as error:
        raise RecordsError(str(error)) from error
    renew = "run pytest with --saliency-report again"
    if fault := fault_of_schema(content, path, SCHEMA, kind="a results.json", key="results", renew=renew):
        raise RecordsError(fault)
    if damage := damage_of(content):
        raise RecordsError(f"{path} is damaged: {damage}")
    return from_json(content)


def damage_of(content: object) -> str:
    """Return where and how JSON breaks the schema; empty if it does not. Keys that were added later are no damage."""
    from jsonschema.exceptions import best_match

    worst = best_match(_validator().iter_errors(content))
    return shorten(f"{worst.json_path}: {worst.message}", 300) if worst else ""


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_without_limits(json_schema()))


def _without_limits(schema: Any) -> Any:
    """Return a schema that allows keys it does not know."""
    if isinstance(schema, dict):
        return {
            key: _without_limits(value)
            for key, value in schema.items()
            if (key, value) != ("additionalProperties", False)
        }
    return [_without_limits(each) for each in schema] if isinstance(schema, list) else schema


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``results.json``."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("results.schema.json").read_text(encoding="utf-8"))
    return schema
