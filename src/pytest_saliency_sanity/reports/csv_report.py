"""The report ``csv``: a row for each question and stage, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..checks.judging.evidence import Point
from ..checks.judging.result import CheckResult, StageVerdict
from ..foundation.files import write_whole
from .record import Record
from .run import Run

COLUMNS = (
    *("method", "model", "check", "variant", "outcome", "verdict"),
    *("stage", "sign", "quantity", "mean", "low", "high", "undefined", "dead", "images", "draws"),
    *("stage_verdict", "threshold", "side", "margin", "chance", "seed", "seconds", "reason"),
)
# With these, a spreadsheet takes text for a formula (OWASP, "CSV Injection").
# The last four are the fullwidth forms of the first, which some take for the same.
FORMULAS = ("=", "+", "-", "@", "\t", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write(run: Run, path: Path) -> None:
    """Write the rows of a run, with a heading. Text that a spreadsheet would execute gets an apostrophe in front."""
    file = io.StringIO()
    rows = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for record in run.records:
        rows.writerows({name: harmless(value) for name, value in row.items()} for row in rows_of(record))
    write_whole(path, file.getvalue())


def rows_of(record: Record) -> Iterator[dict[str, Any]]:
    """Yield a row for each stage of a question, judged or only shown; one without a stage if there is none."""
    about = {name: getattr(record, name) for name in COLUMNS if hasattr(record, name)}
    result = record.result
    if result is None:
        yield about
        return
    about |= {"verdict": result.verdict, "chance": result.measured.chance, "seed": result.measured.seed}
    judged = result.judged_by_stage
    points = {(point.stage, point.sign): point for point in result.curve}
    for key in dict.fromkeys((*points, *judged)):
        yield about | cells_of_point(points.get(key)) | cells_of_verdict(judged.get(key), key, result)
    if not points and not judged:
        yield about


def cells_of_point(point: Point | None) -> dict[str, Any]:
    """Return what is measured at a stage; nothing if it is only judged, as a difference is."""
    if point is None:
        return {}
    names = ("stage", "sign", "quantity", "undefined", "dead", "images", "draws")
    return {name: getattr(point, name) for name in names} | point.interval._asdict()


def cells_of_verdict(stage: StageVerdict | None, key: tuple[str, str], result: CheckResult) -> dict[str, Any]:
    """Return the verdict on a stage, with its number; nothing if it is only shown."""
    if stage is None:
        return {}
    measured = result.measured
    return {
        **{"stage": key[0], "sign": key[1], "quantity": result.quantity, "undefined": stage.undefined},
        **{"images": measured.images, "draws": measured.draws, **stage.interval._asdict()},
        "stage_verdict": stage.verdict,
        "threshold": stage.threshold,
        "side": "above" if stage.above else "below",
        "margin": stage.margin,
    }


def harmless(value: object) -> object:
    """Return a cell that no spreadsheet executes; empty for what is undefined."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # the csv module would not quote a lone \r
    return f"'{text}" if text.startswith(FORMULAS) else text
