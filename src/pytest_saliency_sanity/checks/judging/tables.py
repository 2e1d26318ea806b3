"""What notebooks and terminals show of results. The HTML has no scripts and no styles, and every name in it is text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from ...foundation.tables import Table

if TYPE_CHECKING:
    from .result import CheckResult, StageVerdict

HEADING = ("verdict", "method", "model", "check", "measured, with its interval", "must be", "at stage")


def table_of(results: Iterable[CheckResult]) -> Table:
    """Return results as a table, a row for each."""
    return Table(HEADING, [_row(result) for result in results])


def html_of(result: CheckResult) -> str:
    """Return a result: its verdict, the stages that were judged, what was found besides, and the whole message."""
    stages = _stages(result.quantity, result.stages) if result.stages else ""
    magnitudes = _stages(f"{result.quantity}, by magnitude", result.magnitudes) if result.magnitudes else ""
    findings = "".join(f"<li>a finding: {escape(each.text)} ({escape(each.figure)})</li>" for each in result.findings)
    return (
        f"<p><strong>{escape(verdict_of(result))}</strong>: {escape(result.check)}, {escape(_name(result))}</p>\n"
        f"{stages}\n{magnitudes}\n{f'<ul>{findings}</ul>' if findings else ''}\n"
        f"<details><summary>the whole message</summary><pre>{escape(result.message)}</pre></details>"
    )


def verdict_of(result: CheckResult) -> str:
    """Return the verdict in words; a finding does not decide."""
    if result.not_asked:
        return "not asked"
    return result.verdict + (" (a finding)" if result.finding and result.verdict != "passed" else "")


def number_of(result: CheckResult) -> str:
    """Return what was measured at the stage that decides or, if no stage was judged, the first other figure."""
    if result.deciding:
        return f"{result.quantity} {result.deciding.interval.text}"
    return "; ".join(f"{figure.value} {figure.name}" for figure in result.measured.figures[:1])


def _row(result: CheckResult) -> tuple[str, ...]:
    stage = result.deciding
    judged = (stage.must_be, stage.stage) if stage else ("", result.not_asked)
    return (verdict_of(result), result.method, result.model, result.check, number_of(result), *judged)


def _stages(quantity: str, stages: Sequence[StageVerdict]) -> str:
    rows = [
        (each.stage, each.interval.text, each.must_be, f"{each.undefined} of {each.total}", each.verdict)
        for each in stages
    ]
    return Table(("stage", quantity, "must be", "undefined", "verdict"), rows).html


def _name(result: CheckResult) -> str:
    return " on ".join(filter(None, (result.method, result.model)))
