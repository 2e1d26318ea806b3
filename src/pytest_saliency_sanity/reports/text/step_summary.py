"""The summary of a run in Markdown, for the page that a CI server shows of a job. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ...checks.judging.result import CheckResult
from ..comparing.answers import Answer
from ..markdown import escaped
from ..record import Record
from ..run import Run
from ..status import NAMES, NOT_GREEN, STATUSES, status_of, worst_first
from .cells import cells_of, skipped_by_reason
from .columns import plain, shortened
from .wording import FAITHFUL, counted, measured_in, notes_on, verdict_of

HEADING = ("verdict", "method", "model", "check", "stage", "measured [{} % interval]", "must stay", "")
# Bytes of the parts, in all a small part of the MiB that GitHub allows.
MOST_LISTED, MOST_COUNTED, MOST_FOLDED = 25_000, 10_000, 20_000
LONGEST, LONGEST_COMMAND = 300, 2000  # columns of a cell and of the command
PLAIN = ("passed", "skipped")  # what is only counted
SIGNS = {True: "🟥", False: "🟢"}


def append(run: Run, path: Path) -> None:
    """Append the summary of a run to a file, which may have those of other steps."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{markdown(run)}")


def markdown(run: Run) -> str:
    """Return the summary of a run: what is not plainly passed, the worst first, then everything, folded."""
    records = worst_first(run.records, run.tier)
    listed = [record for record in records if status_of(record, run.tier) not in PLAIN]
    passed = any(result.verdict == "passed" for result in run.results)
    lines = [
        *_head(run, records),
        *_table(listed, run, MOST_LISTED),
        *_cut(_counted(run), MOST_COUNTED),
        *_folded("Every question", _table(records, run, MOST_FOLDED)),
        *([" ".join(FAITHFUL), ""] if passed else []),
        *(f"- report: {_text(file)}" for file in run.written),
    ]
    return "\n".join([*lines, ""])


def _head(run: Run, records: Sequence[Record]) -> Iterator[str]:
    """Yield the result in a line, what was run, and why the run is not green, besides failures."""
    counts = Counter(status_of(record, run.tier) for record in records)
    red = bool(run.problems or run.outcomes.get("failed") or NOT_GREEN & counts.keys())
    told = f"{counts['passed']} of {len(records) - counts['skipped']} questions passed"
    yield from (f"## {SIGNS[red]} Saliency sanity: {told if records else 'no question was put'}", "")
    for problem in run.problems:
        yield from (f"**Not green:** {_text(problem)}", "")
    if others := ", ".join(f"{counts[status]} {NAMES[status]}" for status in STATUSES if counts[status]):
        yield from (f"{others}.", "")
    own = f", {counted(run.own, 'test')} of your own" if run.own else ""
    yield (
        f"{counted(run.planned, 'packaged test')} planned, {run.ran} ran{own}; preset {_text(run.preset)}, "
        f"tier {run.tier}, seed {run.seed}, {run.seconds:.0f} s:"
    )
    fence = "~~~" if "`" in run.command else "```"
    yield from ("", f"{fence}sh", shortened(plain(run.command), LONGEST_COMMAND), fence, "")


def _counted(run: Run) -> Iterator[str]:
    """Yield how many questions were passed on each network, what was skipped and why, and notes."""
    for cell in cells_of(run):
        if cell.asked:
            yield f"- {_text(cell.name)}: {cell.count}"
    for reason, records in skipped_by_reason(run):
        names = (f"{each.question} of {each.method}{f' on {each.model}' * bool(each.model)}" for each in records)
        yield f"- skipped: {_text(', '.join(names))}: {_text(reason)}"
    for note in run.notes:
        yield f"- note: {_text(note)}"
    yield ""


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    if content := list(lines):
        yield from (f"<details><summary>{title}</summary>", "", *content, "</details>", "")


def _table(records: Sequence[Record], run: Run, most: int) -> Iterator[str]:
    """Yield a table of questions of at most so many bytes, and how many lines did not fit."""
    rows = [_row(map(_text, cells)) for cells in _rows(records, run.tier)]
    if not rows:
        return
    yield _row(each.format(f"{run.confidence * 100:g}") for each in HEADING)
    yield _row("---" for _ in HEADING)
    kept = list(_cut(rows, most))
    yield from (*kept, "")
    if len(kept) < len(rows):
        yield from (f"{len(rows) - len(kept)} more are left out here.", "")


def _rows(records: Sequence[Record], tier: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each question; those that ended without a verdict for the same reason share a line."""
    alike: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        if not record.result:
            alike.setdefault((record.method, record.model, record.reason), []).append(record)
    for record in records:
        if record.result:
            yield _cells(record, record.result, tier)
        elif found := alike.pop((record.method, record.model, record.reason), None):
            names = ", ".join(each.question for each in found)
            yield (verdict_of(record, tier), record.method, record.model, names, "", "", "", record.reason)


def _cells(record: Record, result: CheckResult, tier: str) -> tuple[str, ...]:
    question = (verdict_of(record, tier), record.method, record.model, record.question)
    found = (f"{each.text} ({each.figure})" for each in result.findings)
    answer = Answer.of(result)
    if result.deciding is None:
        notes = (result.not_asked or measured_in(result), notes_on(record, tier), *found)
        return (*question, "", "", "", "; ".join(filter(None, notes)))
    measured = f"{result.quantity} {answer.number or 'undefined'}"
    return (*question, answer.stage, measured, answer.must, "; ".join(filter(None, [notes_on(record, tier), *found])))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    return escaped(shortened(plain(text), LONGEST))


def _cut(lines: Iterable[str], most: int) -> Iterator[str]:
    """Yield lines up to so many bytes."""
    for line in lines:
        most -= len(line.encode()) + 1
        if most < 0:
            return
        yield line
