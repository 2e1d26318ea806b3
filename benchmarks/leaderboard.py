"""Write docs/leaderboard/index.html from the kept answers: ``python benchmarks/leaderboard.py``.

Methods x checks x networks, filtered by CSS alone. Nothing is measured, and no library needs to be installed: what
``known_answers.py`` kept is read, judged by today's thresholds, and rendered. The methods stand in the order of the
alphabet, since a ranking is not to be made from their verdicts.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from answers import NETWORKS, RECORDS, SURE, Answer, read, strips_kept, tasks_of
from documents import DOCS, rewrite
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from known_answers import STRIPS, VERSIONS, Cell, cell_of, library_of
from known_methods import EXPLAINED, METHODS, Explained
from strips import SIDE, Strip

from pytest_saliency_sanity.checks.judging.result import CheckResult, StageVerdict
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids
from pytest_saliency_sanity.drawing.maps import GAP
from pytest_saliency_sanity.methods.registry import CONTROLS
from pytest_saliency_sanity.reports.figures import LEAST_OF_A_CURVE

HERE = Path(__file__).parent
KEPT = RECORDS / "known-answers.jsonl.gz"
PAGE = DOCS / "leaderboard" / "index.html"
# The day on which the answers were measured, and the start of the file's SHA-256, so that nobody forgets to change it.
MEASURED = ("2026-11-26", "9153104139783aed")
TORCH = re.compile(r"(?<=, )torch \d+(?:\.\d+)*")  # in docs/known-answers.md, which says what was measured with
OWN, CONTROL = "this project", "controls"
WIDTH, HEIGHT, LINE, STAGE, EDGE = 150, 39, 13, 4, 4  # of the drawings, in pixels


class Status(NamedTuple):
    """What a cell comes to: its class in the page, its mark, its name and what it means."""

    key: str
    mark: str
    name: str
    meaning: str


STATUSES = {
    each.name: each
    for each in (
        Status("p", "✓", "passed", "no evidence of insensitivity; it does not say that the maps are faithful"),
        Status("f", "✗", "failed", "the whole interval is on the wrong side of the threshold"),
        Status("g", "◇", "finding", "not passed, but this describes the method and does not decide"),
        Status("i", "?", "inconclusive", "the interval contains the threshold"),
        Status("u", "∅", "undefined", "too few maps could be compared, as constant ones can't"),
        Status("r", "-", "refused", "the library raises an error on this network"),
    )
}


class Maps(NamedTuple):
    """A strip of maps: the file, where in it the strip begins, its width, and what its columns show."""

    file: str
    top: int
    width: int
    columns: str


class Shown(NamedTuple):
    """A cell of the page. ``words``: its verdict. ``numbers``: each judged stage. ``why``: what explains it.

    ``curve``: SVG paths, thresholds, then means, then intervals, stage by stage; nothing if fewer than three were
    measured. ``maps``: None if none were kept.
    """

    status: Status
    words: str
    numbers: str
    why: tuple[Explained, ...]
    curve: tuple[str, ...]
    maps: Maps | None


class Row(NamedTuple):
    """What a method answers to a question: a cell for each network that was asked, a drawing, and what experts say.

    ``drawing``: SVG paths, on a scale from ``begins_at`` to 1.
    """

    question: str
    cells: dict[str, Shown]
    drawing: tuple[str, ...]
    begins_at: float
    said: str


class Method(NamedTuple):
    """A method, the library that it is of, and its answers in the order of the questions."""

    spec: str
    library: str
    rows: list[Row]

    def asked_on(self, network: str) -> bool:
        """Return whether the method answered anything on a network, other than that it refuses it."""
        cells = [row.cells[network] for row in self.rows if network in row.cells]
        return any(cell.words != "refused" for cell in cells)


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page_of(cells_kept(KEPT), day_of(KEPT)), encoding="utf-8")
    rewrite(DOCS / "leaderboard.md", "date", [f"Measured on {day_of(KEPT)} with {versions()}."])


def day_of(kept: Path) -> str:
    """Return the day on which a file of answers was measured. Raises ValueError if nobody said so."""
    day, known = MEASURED
    found = hashlib.sha256(kept.read_bytes()).hexdigest()[:16]
    if found != known:
        raise ValueError(
            f"{kept.name} has the SHA-256 {found}..., and {Path(__file__).name} knows the day of {known}... only: "
            f"set MEASURED to the day on which the answers were measured, and to {found!r}"
        )
    return day


def versions() -> str:
    """Return the libraries that were measured with, and their versions."""
    torch = TORCH.search((DOCS / "known-answers.md").read_text(encoding="utf-8"))
    assert torch, "docs/known-answers.md does not say with which torch it was measured"
    return ", ".join([*sorted({" ".join(each) for each in VERSIONS.values()}, key=str.casefold), torch[0]])


def cells_kept(kept: Path) -> list[Cell]:
    """Return the cells of a file of answers, without those of a method that is not asked any more."""
    found, strips = read(kept), strips_kept(kept)
    tasks = [task for task in tasks_of(METHODS, images=SURE) if task in found]
    return [cell_of(Answer(task, found[task], strips.get(task))) for task in tasks]


def page_of(cells: Sequence[Cell], day: str) -> str:
    """Return the page of cells that were measured on a day."""
    loader = FileSystemLoader(HERE)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["breakable"] = breakable
    questions = question_ids(CHECKS.all())
    methods = methods_of(cells)
    return (
        environment.get_template("leaderboard.html.jinja").render(
            day=day,
            versions=versions(),
            methods=methods,
            libraries=list(dict.fromkeys(method.library for method in methods)),
            networks=NETWORKS,
            questions=questions,
            asked={question: check_of(question).question for question in questions},
            alone=[question for question in questions if not check_of(question).by_model],
            statuses=list(STATUSES.values()),
            counts=Counter(status_of(cell).name for cell in cells),
            explained=EXPLAINED,
            total=len(cells),
            without_maps=without_maps(methods),
        )
        + "\n"
    )


def methods_of(cells: Iterable[Cell]) -> list[Method]:
    """Return the methods that answered, in the order of the alphabet within their library; the controls come last."""
    answers: dict[str, dict[str, dict[str, Cell]]] = {}
    for cell in cells:
        spec, network, question, *_ = cell.answer.task
        answers.setdefault(spec, {}).setdefault(question, {})[network] = cell
    scales = {question: scale_of(answers, question) for question in question_ids(CHECKS.all())}
    order = sorted(answers, key=lambda spec: (group_of(spec) == CONTROL, group_of(spec).casefold(), spec.casefold()))
    return [Method(spec, group_of(spec), list(rows_of(spec, answers[spec], scales))) for spec in order]


def without_maps(methods: Iterable[Method]) -> list[str]:
    """Return the methods, and for some the network, of which no maps were kept: explaining takes them long."""
    found = []
    for method in methods:
        having = {network for row in method.rows for network, cell in row.cells.items() if cell.maps}
        lacking = [network for network in NETWORKS if network not in having and method.asked_on(network)]
        found += [method.spec] if len(lacking) == len(NETWORKS) else [f"{method.spec} on {each}" for each in lacking]
    return found


def group_of(spec: str) -> str:
    """Return the library of a method, or what else it is."""
    return CONTROL if spec in CONTROLS else next(iter(library_of(spec)), OWN)


def rows_of(spec: str, answers: Mapping[str, Mapping[str, Cell]], scales: Mapping[str, float]) -> Iterator[Row]:
    for question, lowest in scales.items():
        of_network = answers.get(question, {})
        cells = {network: shown(cell, lowest) for network, cell in of_network.items()}
        yield Row(question, cells, drawing_of(of_network, lowest), lowest, METHODS[spec].get(question, ""))


def status_of(cell: Cell) -> Status:
    """Return what a cell comes to."""
    result = cell.answer.result
    if result.not_asked:
        return STATUSES["refused"]
    return STATUSES["finding" if result.finding and result.verdict != "passed" else result.verdict]


def shown(cell: Cell, lowest: float) -> Shown:
    """Return a cell as the page shows it; its curve on a scale from ``lowest`` to 1."""
    result, status = cell.answer.result, status_of(cell)
    words = "refused" if result.not_asked else result.verdict
    numbers = "; ".join(map(figures, result.stages))
    if not result.stages and not result.not_asked:
        broken = [str(result.measured.figure(name) or "") for name in ("broken promise", "smallest example")]
        numbers = "; ".join(filter(None, broken)) or "; ".join(each.figure for each in result.findings)
    why = cell.explained if cell.kind == "explained" else ()
    return Shown(status, words, numbers, why, curve_of(result, lowest), maps_of(cell.answer.strip))


def figures(stage: StageVerdict) -> str:
    """Return the mean and its interval at a stage, short."""
    mean, low, high = stage.interval
    if not stage.interval.defined:
        return "none defined"
    return f"{mean:.2f}" + (f" [{low:.2f}, {high:.2f}]" if f"{low:.2f}" != f"{high:.2f}" else "")


def maps_of(strip: Strip | None) -> Maps | None:
    """Return where the maps of an answer are and what they show; None if none were kept."""
    if strip is None:
        return None
    width = len(strip.columns) * (SIDE + GAP) - GAP
    return Maps(f"{STRIPS.name}/{strip.file}", strip.row * SIDE, width, ", ".join(strip.columns))


def curve_of(result: CheckResult, lowest: float) -> tuple[str, ...]:
    """Return the SVG paths of thresholds, means and intervals at the stages of a result; nothing if they are few."""
    points = [point for point in result.curve if point.sign == result.curve[0].sign]
    if len(points) < LEAST_OF_A_CURVE:
        return ()
    at = {point.stage: round(EDGE + (WIDTH - 2 * EDGE) * n / (len(points) - 1)) for n, point in enumerate(points)}

    def down(value: float) -> int:
        return round(EDGE + (HEIGHT - 2 * EDGE) * (1 - value) / (1 - lowest))

    defined = [(at[point.stage], point.interval) for point in points if point.interval.defined]
    return (
        "".join(f"M{at[each.stage] - 5},{down(each.threshold)}h10" for each in result.stages if each.stage in at),
        "".join(f"{'L' if n else 'M'}{x},{down(interval.mean)}" for n, (x, interval) in enumerate(defined)),
        "".join(f"M{x},{down(interval.high)}V{down(interval.low)}" for x, interval in defined),
    )


# Drawings: a line of intervals for each network, and the threshold. An interval without width is a dot.


def scale_of(answers: Mapping[str, Mapping[str, Mapping[str, Cell]]], question: str) -> float:
    """Return where the drawings of a question begin, 0 or -1, so that those of all methods can be compared."""
    cells = (cell for each in answers.values() for cell in each.get(question, {}).values())
    lows = [stage.interval.low for cell in cells for stage in cell.answer.result.stages if stage.interval.defined]
    return -1.0 if min(lows, default=0.0) < 0 else 0.0


def drawing_of(of_network: Mapping[str, Cell], lowest: float) -> tuple[str, ...]:
    """Return the SVG paths of a drawing: thresholds and intervals. Empty if nothing was judged."""
    at = [
        (EDGE + LINE * NETWORKS.index(network) + STAGE * number, stage)
        for network, cell in of_network.items()
        for number, stage in enumerate(cell.answer.result.stages)
    ]

    def place(value: float) -> int:
        return round(EDGE + (WIDTH - 2 * EDGE) * (value - lowest) / (1 - lowest))

    thresholds = {place(stage.threshold) for _, stage in at}
    intervals = [(y, stage.interval) for y, stage in at if stage.interval.defined]
    if not intervals:
        return ()
    return (
        f"M{thresholds.pop()},0v{LINE * len(NETWORKS)}"  # one line if all have the same, which most have
        if len(thresholds) == 1
        else "".join(f"M{place(stage.threshold)},{y - 2}v4" for y, stage in at),
        "".join(
            f"M{place(interval.low)},{y}h{place(interval.high) - place(interval.low)}" for y, interval in intervals
        ),
    )


def breakable(name: str) -> list[str]:
    """Return the parts of a name between which a line may be broken."""
    return [part for part in re.split(r"(?<=[_:?&])|(?=\[)", name) if part]


if __name__ == "__main__":
    main()
