"""The questions of a run by method and model, as the terminal and the step summary show them. Standard library only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..record import Record
from ..run import Run
from ..status import STATUSES, Status, status_of, worst_first


@dataclass(frozen=True)
class Cell:
    """The questions about a method on a model, the worst first; ``model`` is empty if there is none."""

    method: str
    model: str
    tier: str
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """The method, and what it was put to, in words."""
        models = [record.result.model for record in self.records if record.result]
        model = self.model or (models[0] if models else "")
        return f"{self.method}{f' on {model}' * bool(model)}"

    def with_status(self, *statuses: Status) -> list[Record]:
        """Return the questions of a status, the worst first."""
        return [record for record in self.records if status_of(record, self.tier) in statuses]

    @property
    def asked(self) -> int:
        """How many questions were put, so that a verdict could be expected."""
        return len(self.records) - len(self.with_status("skipped"))

    @property
    def count(self) -> str:
        """How many questions were passed, in words: ``10 of 11 passed, 1 skipped``."""
        skipped = len(self.records) - self.asked
        passed = len(self.with_status("passed"))
        return f"{passed} of {self.asked} passed{f', {skipped} skipped' if skipped else ''}"

    @property
    def findings(self) -> dict[str, list[str]]:
        """By finding, the checks that found it with their figures."""
        found: dict[str, list[str]] = defaultdict(list)
        for record in self.records:
            for finding in record.result.findings if record.result else ():
                found[finding.text].append(f"{record.question}: {finding.figure}")
        return found


def cells_of(run: Run) -> list[Cell]:
    """Return the cells of a run: those with the worst question first, of equals in the order of the plan."""
    by_name: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in run.records:
        by_name[record.method, record.model].append(record)
    cells = [Cell(*name, run.tier, tuple(worst_first(records, run.tier))) for name, records in by_name.items()]
    return sorted(cells, key=_worst)


def _worst(cell: Cell) -> int:
    found = {status_of(record, cell.tier) for record in cell.records} - {"skipped"}
    return min(map(STATUSES.index, found | ({"finding"} if cell.findings else {"passed"})))


def skipped_by_reason(run: Run) -> Iterator[tuple[str, list[Record]]]:
    """Yield why questions were not asked, each reason once, with the questions that it concerns."""
    by_reason: dict[str, list[Record]] = defaultdict(list)
    for record in run.records:
        if status_of(record, run.tier) == "skipped":
            by_reason[record.result.not_asked if record.result else record.reason].append(record)
    yield from by_reason.items()
