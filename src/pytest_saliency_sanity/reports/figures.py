"""The figures of a run: the cascade of each question (the paper, figure 6), and all methods side by side (figure 4)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.judging.evidence import Point
from ..checks.judging.result import StageVerdict
from ..checks.registry import MEAN_SRC, SIMILARITY
from ..drawing.bars import draw_bars
from ..drawing.curves import Curve, Range, draw_curve
from ..drawing.maps import png, strip
from ..drawing.style import SMALL, as_png, as_svg, can_draw, length_of, new_figure
from ..foundation.files import write_whole
from ..measuring.interval import Interval
from ..methods.registry import CONTROLS
from .record import Record
from .run import Run

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawn

LEAST_OF_A_CURVE = 3  # points
WIDTH = 6.4  # inches
SIDE = 64  # pixels of a map
LONGEST = 100  # letters of a file name, nearly
# Names that their file names tell apart: a method, also of a library, a model, and a question with its variant.
USUAL = re.compile(r"[a-z0-9]\w*(:\w+|\[\w+\])?", re.ASCII | re.IGNORECASE)
IGNORING = "ignores the network"  # what scores 1 whatever is randomised


@dataclass(frozen=True)
class Figure:
    """A figure: its file name without suffix, what it shows in words, and how it is drawn, which takes a while."""

    name: str
    text: str
    drawn: Callable[[], Drawn]

    @cached_property
    def svg(self) -> str:
        """The figure as an SVG file."""
        return as_svg(self.drawn())

    def files(self) -> Iterator[tuple[str, bytes | str]]:
        """Yield the suffix and the content of each of its files."""
        drawn = self.drawn()
        yield ".svg", self.svg if "svg" in self.__dict__ else as_svg(drawn)
        yield ".png", as_png(drawn)


def write(run: Run, folder: Path) -> list[Path]:
    """Write the figures of a run and the maps of each question, as PNG and SVG; return the paths.

    Without matplotlib nothing is written; the page says so.
    """
    if not can_draw():
        return []
    folder.mkdir(exist_ok=True)
    written = []
    for figure in (*curves(run).values(), *bars(run).values()):
        for suffix, content in figure.files():
            written.append(folder / f"{figure.name}{suffix}")
            write_whole(written[-1], content)
    for record in run.records:
        evidence = record.result and record.result.evidence
        if evidence and evidence.has_maps:
            written.append(folder / f"maps-{file_name(*record.key)}.png")
            write_whole(written[-1], png(strip(evidence.maps, evidence.pictures, side=SIDE)))
    return written


def curves(run: Run) -> dict[str, Figure]:
    """Return the curve of each question that has one, by the id of its record; none if matplotlib is missing."""
    return run.once("curves", lambda: {record.id: figure for record, figure in _curves(run)})


def bars(run: Run) -> dict[str, Figure]:
    """Return for each question the figure of all methods and models side by side; none if matplotlib is missing."""
    return run.once("bars", lambda: dict(_bars(run)))


def file_name(*parts: str) -> str:
    """Return a file name for any names, the same on every system. Different names have different ones.

    Usual names are readable: ``captum.Saliency-alexnet-symmetry--rescaling``. Others are told apart by a hash.
    """
    named = [part for part in parts if part]
    text = "-".join(named).translate({ord(":"): ".", ord("["): "--", ord("]"): ""})
    if all(USUAL.fullmatch(part) for part in named) and len(text) < LONGEST:
        return text
    plain = re.sub(r"[^A-Za-z0-9_-]+", ".", text)[:LONGEST].strip("._-")
    return "-".join(filter(None, [plain, sha256(repr(named).encode()).hexdigest()[:8]]))


def points_by_stage(record: Record, *, judged: bool = True) -> dict[str, Point]:
    """Return the points of a record by stage: of maps as they were judged, or else by magnitude."""
    result = record.result
    if result is None or not result.curve:
        return {}
    sign = result.curve[0].sign
    return {point.stage: point for point in result.curve if (point.sign == sign) is judged}


def has_curve(record: Record) -> bool:
    """Return whether a record has enough stages to be drawn as a curve."""
    return len(points_by_stage(record)) >= LEAST_OF_A_CURVE


def _curves(run: Run) -> Iterator[tuple[Record, Figure]]:
    with_curve = [record for record in run.records if has_curve(record)] if can_draw() else []
    controls: dict[tuple[str, str], dict[str, Mapping[str, Range]]] = defaultdict(dict)
    for record in with_curve:
        if record.method in CONTROLS:
            controls[record.key[1:]][record.method] = _ranges(points_by_stage(record))
    for record in with_curve:
        others = {name: ranges for name, ranges in controls[record.key[1:]].items() if name != record.method}
        name = f"curve-{file_name(*record.key)}"
        yield record, Figure(name, curve_text(record), partial(_drawn_curve, record, others))


def _drawn_curve(record: Record, controls: Mapping[str, Mapping[str, Range]]) -> Drawn:
    result = record.result
    assert result is not None
    points = points_by_stage(record)
    bottom = 0.15 + 0.6 * max(length_of(stage, SMALL - 1) for stage in points)
    figure, axes = new_figure(WIDTH, 2.1 + bottom, left=0.45, bottom=bottom)
    alike = result.quantity in (SIMILARITY, MEAN_SRC)
    ignoring = {IGNORING: dict.fromkeys(points, (1.0, 1.0, 1.0))} if alike and not controls else {}
    draw_curve(
        axes,
        Curve(_ranges(points), {stage.stage: stage.threshold for stage in result.stages if stage.stage in points}),
        label=result.measured.maps,
        magnitudes=_ranges(points_by_stage(record, judged=False)),
        others=controls or ignoring,
        chance=result.measured.chance,
        quantity=result.quantity,
    )
    return figure


def curve_text(record: Record) -> str:
    """Return what the curve of a record shows, for those who do not see it."""
    points = list(points_by_stage(record).values())
    values = ", ".join(f"{point.stage} {_short(point.interval)}" for point in points)
    return f"{points[0].quantity} of {record.method} on {record.model} by stage, {record.question}: {values}"


def _bars(run: Run) -> Iterator[tuple[str, Figure]]:
    by_question: dict[str, list[Record]] = defaultdict(list)
    for record in run.records if can_draw() else ():
        if record.result and record.result.stages:
            by_question[record.question].append(record)
    for question, records in by_question.items():
        decided = {_name_of(record): record.result.deciding for record in records if record.result}
        stages = {name: stage for name, stage in decided.items() if stage}
        quantity = records[0].result.quantity if records[0].result else ""
        controls = frozenset(_name_of(record) for record in records if record.method in CONTROLS)
        values = ", ".join(f"{name} {_short(stage.interval)}" for name, stage in stages.items())
        drawn = partial(_drawn_bars, stages, quantity, controls)
        yield question, Figure(f"bars-{file_name(question)}", f"{quantity}, {question}: {values}", drawn)


def _drawn_bars(stages: Mapping[str, StageVerdict], quantity: str, controls: frozenset[str]) -> Drawn:
    left = 0.15 + max(map(length_of, stages))
    figure, axes = new_figure(left + 4.0, 0.75 + 0.24 * len(stages), left=left, bottom=0.45)
    draw_bars(
        axes,
        {name: stage.interval for name, stage in stages.items()},
        limits={name: stage.threshold for name, stage in stages.items()},
        quantity=quantity,
        faint=controls,
    )
    return figure


def _name_of(record: Record) -> str:
    return " on ".join(filter(None, (record.method, record.model)))


def _ranges(points: dict[str, Point]) -> dict[str, Range]:
    return {stage: point.interval for stage, point in points.items()}


def _short(interval: Interval) -> str:
    return f"{interval.mean:.2f}" if interval.defined else "undefined"
