"""Reads a run back: ``results.json``, with the arrays beside it if they are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from . import arrays
from .json_report import RecordsError, read
from .registry import REPORTS
from .run import Run


def arrays_beside(file: Path) -> Path:
    """Return where the arrays of a ``results.json`` are, if they are kept."""
    return file.with_name(REPORTS.named("arrays").file)


def load(file: Path) -> Run:
    """Return the run of a ``results.json``, with its values image by image and its maps if they lie beside it.

    Raises RecordsError if one of the files can't be read, is damaged, or does not fit the other.
    """
    run, beside = read(file), arrays_beside(file)
    if not beside.exists():
        return run
    try:
        found = arrays.read(beside)
    except OSError as error:
        raise RecordsError(f"{beside} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise RecordsError(str(error)) from error
    answered = {place for place, record in enumerate(run.records) if record.result}
    if unfit := sorted(found.keys() - answered):
        raise RecordsError(
            f"{beside} does not belong to {file}, in which no result has the place {unfit[0]}: "
            "put the right one there, or remove it"
        )
    records = [
        replace(record, result=replace(record.result, evidence=found.get(place))) if record.result else record
        for place, record in enumerate(run.records)
    ]
    return replace(run, records=tuple(records))
