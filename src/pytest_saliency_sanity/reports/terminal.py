"""The text that a run prints: the plan in the header, the verdicts in the summary."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..checks.judging.result import CheckResult
from ..checks.registry import MEAN_SRC, SIMILARITY
from ..foundation.reading import Reading
from .run import Run

COLORS = {"passed": "green", "failed": "red", "inconclusive": "yellow", "undefined": "yellow"}
HEADING = ("method", "model", "check", "maps", "measured [{} % interval]", "must be", "verdict")


class Line(NamedTuple):
    """A line of text and its colour; no colour if it is empty."""

    text: str
    color: str = ""


def header(run: Run, images: str) -> str:
    """Return the line that says what is planned. ``images``: the images to explain, in words."""
    return (
        f"saliency-sanity: {', '.join(run.plan.methods)} x {', '.join(run.plan.models)}: "
        f"{counted(run.planned, 'test')} planned, preset {run.preset}, tier {run.tier}; "
        f"{images}, seed {run.seed}, device {run.device}{reading(run)}"
    )


def reading(run: Run) -> str:
    """Return how maps are read, where it is not as usual."""
    usual = Reading()
    chosen = (("sign", run.sign), ("law", run.law), ("confidence", run.confidence))
    return "".join(f", {name} {value}" for name, value in chosen if value != getattr(usual, name))


def counted(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 test``, ``2 tests``."""
    return f"{count} {noun}{'s' * (count != 1)}"


def summary(run: Run) -> Iterator[Line]:
    """Yield the verdicts as a table, notes, and how many tests were planned and ran."""
    if run.results:
        heading, *rows = table(run.results, run.tier, run.confidence)
        yield Line(heading)
        for text, result in zip(rows, run.results, strict=True):
            yield Line(text, color_of(result, run.tier))
    for (method, model), count in sorted(run.unanswered.items()):
        yield Line(f"{method}{f' on {model}' * bool(model)}: {counted(count, 'test')} failed without a verdict", "red")
    for text in findings(run.results):
        yield Line(f"note: {text}", "yellow")
    for text in run.notes:
        yield Line(f"note: {text}")
    if looked_at := images_looked_at(run):
        yield Line(f"images looked at: {looked_at}")
    yield Line(counts(run))
    if any(result.verdict == "passed" for result in run.results):
        yield Line("'passed' says: no evidence of insensitivity. It does not say that the maps are faithful.")
    for file in run.written:
        yield Line(f"report: {file}")
    for problem in run.problems:
        yield Line(f"not green: {problem}", "red")


def images_looked_at(run: Run) -> str:
    """Return how many images were explained if they were not as many as planned, and by which checks if they differ."""
    checks: dict[int, list[str]] = defaultdict(list)
    for result in run.results:
        if result.measured.images:
            checks[result.measured.images].append(result.check)
    if not set(checks) - {run.images}:
        return ""
    usual, *others = sorted(checks, key=lambda count: -len(checks[count]))
    named = (f"{count} by {', '.join(dict.fromkeys(checks[count]))}" for count in others)
    return "; ".join([str(usual), *named])


def counts(run: Run) -> str:
    """Return how many tests were planned, how many ran, and their outcomes."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(run.outcomes.items(), reverse=True))
    own = f"; {counted(run.own, 'test')} of your own" if run.own else ""
    return f"packaged tests: {run.planned} planned, {run.ran} ran{own}{f': {outcomes}' if outcomes else ''}"


def findings(results: Sequence[CheckResult]) -> Iterator[str]:
    """Yield a line for each finding of a method on a model, with the checks that found it."""
    found: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for result in results:
        for finding in result.findings:
            found[result.method, result.model, finding.text].append(f"{result.check}: {finding.figure}")
    for (method, model, text), where in found.items():
        yield f"{method} on {model}: {text} ({'; '.join(where)})"


def table(results: Sequence[CheckResult], tier: str, confidence: float = 0.95) -> list[str]:
    """Return a heading and the results, one line each, in aligned columns."""
    heading = tuple(each.format(f"{confidence * 100:g}") for each in HEADING)
    rows = [heading, *(row_of(result, tier) for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADING))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def row_of(result: CheckResult, tier: str) -> tuple[str, ...]:
    """Return a result as the cells of the table."""
    deciding = result.deciding
    must_be = f"{'above' if deciding.above else 'below'} {deciding.threshold:g}" if deciding else ""
    cells = (result.method, result.model, result.check, result.measured.maps, measured_of(result), must_be)
    return (*cells, verdict_of(result, tier))


def measured_of(result: CheckResult) -> str:
    """Return the statistic and its interval or, if no stage was judged, the first other figure."""
    if result.not_asked:
        return ""
    if not result.stages:
        return " ".join(f"{figure.value} {figure.name}" for figure in result.measured.figures[:1])
    if result.interval is None:
        return "none defined"
    low, high = result.interval
    return f"{result.statistic:.3f} [{low:.3f}, {high:.3f}] {result.quantity}"


def verdict_of(result: CheckResult, tier: str) -> str:
    """Return the verdict, with notes in brackets."""
    if result.not_asked:
        return "not asked"
    notes = []
    if result.deciding and result.deciding.undefined:
        kind = "SRCs" if result.quantity in (SIMILARITY, MEAN_SRC) else "maps"
        notes.append(f"{result.deciding.undefined} of {result.deciding.total} {kind} undefined")
    if result.verdict != "passed" and result.passed_in(tier):
        notes.append("a finding, not decisive")
    if result.verdict == "passed" and result.findings:
        notes.append("but a finding" if result.passed_in(tier) else "but a finding decides")
    return " ".join([result.verdict, *(f"({note})" for note in notes)])


def color_of(result: CheckResult, tier: str) -> str:
    """Return the colour of a result's line."""
    if not result.passed_in(tier):
        return COLORS["failed" if result.verdict == "passed" else result.verdict]
    return COLORS["passed" if result.verdict == "passed" else "undefined"]
