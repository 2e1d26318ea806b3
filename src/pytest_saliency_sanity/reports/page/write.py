"""Renders the page. What comes from a record or a name is text: it is escaped, and nothing of it is executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ...checks.registry import CHECKS
from ...drawing.maps import COLORS, SCALING
from ...drawing.style import MISSING, can_draw, inline
from ...foundation.files import write_whole
from ...methods.registry import CONTROLS
from ...networks.presets.registry import PRESETS
from ..figures import bars, curves
from ..run import Run
from ..status import MEANINGS, NAMES, STATUSES, badness
from .cells import SYMBOLS, Cell, documentation

# How many rows a strip of maps has if there are at most so many questions: so the page stays below four megabytes.
ROWS_OF_STRIPS = ((90, 3), (180, 2), (400, 1))
MOST_CURVES = 75  # of eight methods on three networks, all; each takes a twentieth of a second


@dataclass(frozen=True)
class Line:
    """A row of the matrix: a model, and its cells by question."""

    model: str
    cells: dict[str, Cell]


@dataclass(frozen=True)
class Method:
    """A method with all its questions, the worst first."""

    name: str
    anchor: str
    cells: list[Cell]

    @property
    def is_control(self) -> bool:
        """Whether its answers are known, so that they show what the checks can see."""
        return self.name in CONTROLS

    @property
    def red(self) -> list[Cell]:
        """The questions that keep the run from being green."""
        return [cell for cell in self.cells if cell.is_red]

    @property
    def other(self) -> list[Cell]:
        """The questions that did not pass, but do not decide."""
        return [cell for cell in self.cells if not cell.is_red and cell.status != "passed"]

    @property
    def passed(self) -> list[Cell]:
        """The questions that passed."""
        return [cell for cell in self.cells if cell.status == "passed"]

    @property
    def lines(self) -> list[Line]:
        """The rows of the matrix, a model each."""
        models = dict.fromkeys(cell.record.model for cell in self.cells)
        order = sorted(models, key=lambda model: self._place_of(model))
        return [
            Line(model, {cell.record.question: cell for cell in self.cells if cell.record.model == model})
            for model in order
        ]

    def _place_of(self, model: str) -> int:
        plan = self.cells[0].run.plan.models
        return plan.index(model) if model in plan else len(plan)


def write(run: Run, path: Path) -> None:
    """Write the page of a run: one file, which needs no other."""
    write_whole(path, page(run))


def page(run: Run) -> str:
    """Return the page of a run as HTML."""
    template = environment().get_template("page.html.jinja")
    methods = methods_of(run)
    return template.render(
        run=run,
        methods=methods,
        questions=list(asked_in(run)),
        counts=counts_of(methods),
        own=[method for method in methods if not method.is_control],
        controls=[method for method in methods if method.is_control],
        asked=asked_in(run),
        preset=PRESETS.all().get(run.preset),
        thresholds=documentation() and f"{documentation()}/thresholds.md",
        green=not any(method.red for method in methods) and not run.problems,
        figures=[
            (question, Markup(inline(figure.svg, figure.text, f"bars{place}-")))
            for place, (question, figure) in enumerate(bars(run).items())
        ],
        missing="" if can_draw() else MISSING,
        without_maps=can_draw() and not any(record.result and record.result.evidence for record in run.records),
        scaling=SCALING,
        colors=COLORS,
        legend=legend_of(methods),
        versions=_versions(run),
    )


def methods_of(run: Run) -> list[Method]:
    """Return the methods of a run, the worst first, controls last."""
    rows = next((rows for most, rows in ROWS_OF_STRIPS if len(run.records) <= most), 0)
    ordered = sorted(enumerate(run.records), key=lambda each: badness(each[1], run.tier))
    with_curve = [place for place, record in ordered if record.id in curves(run)][:MOST_CURVES]
    by_method: dict[str, list[Cell]] = {}
    for place, record in ordered:
        by_method.setdefault(record.method, []).append(Cell(run, record, f"q{place}", rows, place in with_curve))
    found = [Method(name, f"m{place}", cells) for place, (name, cells) in enumerate(by_method.items())]
    return sorted(
        found, key=lambda method: (method.is_control, -len(method.red), badness(method.cells[0].record, run.tier))
    )


def asked_in(run: Run) -> dict[str, str]:
    """Return the questions of a run in the order of the plan, and what each asks, in words."""
    known = CHECKS.all()
    records = sorted(run.records, key=run.plan.place)
    return {each.question: known[each.check].question if each.check in known else "" for each in records}


def counts_of(methods: Iterable[Method]) -> list[tuple[str, str, int]]:
    """Return how many questions have each status, the best first: its sign, its name and the number."""
    found = Counter(cell.status for method in methods for cell in method.cells)
    return [(SYMBOLS[status], NAMES[status], found[status]) for status in reversed(STATUSES) if found[status]]


def legend_of(methods: Iterable[Method]) -> list[tuple[str, str, str]]:
    """Return what the marks of the matrix mean, the worst first: status, sign and meaning, of those that occur."""
    found = {cell.status: (cell.symbol, MEANINGS[cell.status]) for method in methods for cell in method.cells}
    return [(status, *found[status]) for status in STATUSES if status in found]


def environment() -> Environment:
    """Return the environment of the templates. It escapes whatever is filled in."""
    loader = PackageLoader("pytest_saliency_sanity.reports", "page")
    found = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    found.filters["drawing"] = Markup  # of ``drawing.style.inline``, which escapes what it is given
    return found


def _versions(run: Run) -> Iterable[tuple[str, str]]:
    return sorted({item for record in run.records for item in record.versions.items()})
