"""The text that a run prints: the plan in the header, the verdicts in the summary, in lines of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ...foundation.reading import Reading
from ..record import Record
from ..run import Run
from ..status import Status, status_of
from .cells import Cell, cells_of, skipped_by_reason
from .columns import WIDTH, columns, plain, shortened, wrapped
from .wording import FAITHFUL, counted, images_in, maps_in, measured_in, notes_on, verdict_of

COLORS: dict[Status, str] = {"error": "red", "failed": "red", "skipped": "", "passed": "green"}
DOUBT = "yellow"  # what did not pass, but is no failure either
INSIDE = "    "


class Line(NamedTuple):
    """A line of text and how pytest marks it on a terminal, ``"red"`` or ``"bold"``; not at all if it is empty."""

    text: str
    markup: str = ""


def header(run: Run, images: str) -> list[str]:
    """Return the lines that say what is planned. ``images``: the images to explain, in words.

    If none of the packaged suite is known to be, the project's files say which tests there are, and of which models.
    """
    methods, models = ", ".join(run.plan.methods), ", ".join(run.plan.models)
    planned = f"{methods} x {models}: {counted(run.planned, 'test')} planned"
    what = planned if run.planned else f"{methods}: the tests of this project"
    how = f"preset {run.preset}, tier {run.tier}; {images}, seed {run.seed}, device {run.device}{reading(run)}"
    return [
        *wrapped(f"saliency-sanity: {plain(what)}"),
        *wrapped(how, "  ", ""),
    ]


def reading(run: Run) -> str:
    """Return how maps are read, where it is not as usual."""
    usual = Reading()
    chosen = (("sign", run.sign), ("law", run.law), ("confidence", run.confidence))
    return "".join(f", {name} {value}" for name, value in chosen if value != getattr(usual, name))


def summary(run: Run, *, every: bool = False) -> Iterator[Line]:
    """Yield what became of the questions, the worst first, notes, and how many tests were planned and ran.

    ``every``: with the numbers of every question, also of those that were passed.
    """
    for cell in cells_of(run):
        yield from lines_of_cell(cell, every=every)
    for reason, records in skipped_by_reason(run):
        yield from _lines(f"skipped: {_some(records)}", "", "  ", "bold")
        yield from _lines(reason, INSIDE, "")
    for text in run.notes:
        yield from _lines(f"note: {text}")
    yield from lines_about_numbers(run)
    yield from _lines(counts(run))
    if any(result.verdict == "passed" for result in run.results):
        yield from map(Line, FAITHFUL)
    if not every and any(status_of(record, run.tier) == "passed" for record in run.records):
        yield Line("-v shows every question, with its numbers.")
    for file in run.written:
        yield Line(f"report: {file}")
    yield from problems(run)


def problems(run: Run) -> Iterator[Line]:
    """Yield why the run is not green, besides failures."""
    for problem in run.problems:
        yield from _lines(f"not green: {problem}", markup="red")


def lines_of_cell(cell: Cell, *, every: bool) -> Iterator[Line]:
    """Yield the lines about a method on a model: how many questions it passed, and which it did not."""
    if not cell.asked:
        return
    count = f": {cell.count}"
    all_passed = len(cell.with_status("passed", "skipped")) == len(cell.records)
    yield Line(shortened(plain(cell.name), WIDTH - columns(count)) + count, "green" if all_passed else "bold")
    if every:
        results = [record.result for record in cell.records if record.result]
        images = images_in(results)
        yield from _lines(", ".join(filter(None, [maps_in(results), images and f"{images} images"])), "  ")
    yield from lines_without_verdict(cell)
    for record in cell.records:
        status = status_of(record, cell.tier)
        if record.result and status != "skipped" and (every or status != "passed"):
            yield from lines_of_question(record, cell.tier)
    for finding, where in cell.findings.items():
        yield from _lines(f"finding: {finding}", "  ", "  ", DOUBT)
        yield from _lines("; ".join(where), INSIDE, "")


def lines_without_verdict(cell: Cell) -> Iterator[Line]:
    """Yield the questions that ended without a verdict, in the order of the plan, each reason once."""
    by_reason: dict[str, list[Record]] = {}
    for record in cell.with_status("error"):
        if not record.result:
            by_reason.setdefault(record.reason, []).append(record)
    for reason, records in by_reason.items():
        names = ", ".join(record.question for record in records)
        if len(records) == cell.asked > 1:
            names = f"all {cell.asked} questions"
        yield from _lines(f"{verdict_of(records[0], cell.tier)}: {names}", "  ", "  ", COLORS["error"])
        yield from _lines(reason, INSIDE, "")


def lines_of_question(record: Record, tier: str) -> Iterator[Line]:
    """Yield the lines of a question that got a result: the verdict, and what it rests on."""
    result = record.result
    assert result is not None
    notes = notes_on(record, tier)
    head = f"{verdict_of(record, tier)}: {record.question}{f' ({notes})' if notes else ''}"
    yield from _lines(head, "  ", "  ", COLORS.get(status_of(record, tier), DOUBT))
    yield from _lines(measured_in(result), INSIDE, "")


def lines_about_numbers(run: Run) -> Iterator[Line]:
    """Yield what the numbers rest on: the confidence of the intervals, and how many images were looked at."""
    if any(result.interval for result in run.results):
        yield Line(f"[low, high]: the {run.confidence * 100:g} % interval (over all looks); it must stay on that side.")
    images = images_in(run.results)
    if images and images != str(run.images):
        yield Line(f"images looked at: {images}")


def counts(run: Run) -> str:
    """Return how many tests were planned, how many ran, and their outcomes."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(run.outcomes.items(), reverse=True))
    own = f"; {counted(run.own, 'test')} of your own" if run.own else ""
    return f"packaged tests: {run.planned} planned, {run.ran} ran{own}{f': {outcomes}' if outcomes else ''}"


def _some(records: Sequence[Record]) -> str:
    """Return questions by name, each check once, and the first method and model that they are about."""
    first, *others = dict.fromkeys(f"{each.method}{f' on {each.model}' * bool(each.model)}" for each in records)
    more = f" and {len(others)} more" if others else ""
    return f"{', '.join(dict.fromkeys(record.question for record in records))} of {first}{more}"


def _lines(text: str, indent: str = "", further: str = "  ", markup: str = "") -> Iterator[Line]:
    if text:
        for line in wrapped(plain(text), indent, further):
            yield Line(line, markup)
