"""The figures of a run: the cascade of each question (the paper, figure 6), and all methods side by side (figure 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ..checks.judging.evidence import Point
from ..drawing.bars import draw_bars
from ..drawing.curves import Curve, Range, draw_curve
from ..drawing.maps import png, strip
from ..drawing.style import SMALL, as_png, as_svg, can_draw, length_of, new_figure
from ..foundation.files import write_whole
from ..measuring.interval import Interval
from ..methods.registry import CONTROLS
from .record import Record
from .run import Run

LEAST_OF_A_CURVE = 3  # points
WIDTH = 6.4  # inches
LONGEST = 100  # letters of a file name, nearly
# Names that their file names tell apart: a method, also of a library, a model, and a question with its variant.
USUAL = re.compile(r"[a-z0-9]\w*(:\w+|\[\w+\])?", re.ASCII | re.IGNORECASE)
IGNORING = "ignores the network"  # what scores 1 whatever is randomised


@dataclass(frozen=True)
class Figure:
    """A figure: its file name without suffix, what it shows in words, and its files' contents."""

    name: str
    text: str
    svg: str
    png: bytes


def write(run: Run, folder: Path) -> list[Path]:
    """Write the figures of a run and the maps of each question, as PNG and SVG; return the paths.

    Without matplotlib nothing is written; the page says so.
    """
    if not can_draw():
        return []
    folder.mkdir(exist_ok=True)
    written = []
    for figure in (*curves(run).values(), *bars(run).values()):
        for suffix, content in ((".svg", figure.svg), (".png", figure.png)):
            written.append(folder / f"{figure.name}{suffix}")
            write_whole(written[-1], content)
    for record in run.records:
        evidence = record.result and record.result.evidence
        if evidence and evidence.has_maps:
            written.append(folder / f"maps-{file_name(*record.key)}.png")
            write_whole(written[-1], png(strip(evidence.maps, evidence.pictures, side=96)))
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
    drawn = [record for record in run.records if has_curve(record)] if can_draw() else []
    for record in drawn:
        result = record.result
        assert result is not None
        points = points_by_stage(record)
        ranges = _ranges(points)
        bottom = 0.15 + 0.6 * max(length_of(stage, SMALL - 1) for stage in points)
        figure, axes = new_figure(WIDTH, 2.1 + bottom, left=0.45, bottom=bottom)
        controls = {
            other.method: _ranges(points_by_stage(other))
            for other in drawn
            if other.method in CONTROLS and other.method != record.method and other.key[1:] == record.key[1:]
        }
        ignoring = {IGNORING: dict.fromkeys(points, (1.0, 1.0, 1.0))} if not controls else {}
        draw_curve(
            axes,
            Curve(ranges, {stage.stage: stage.threshold for stage in result.stages if stage.stage in points}),
            label=result.measured.maps,
            magnitudes=_ranges(points_by_stage(record, judged=False)),
            others=controls or ignoring,
            chance=result.measured.chance,
            quantity=result.quantity,
        )
        yield record, Figure(f"curve-{file_name(*record.key)}", curve_text(record), as_svg(figure), as_png(figure))


def curve_text(record: Record) -> str:
    """Return what the curve of a record shows, for those who do not see it."""
    points = list(points_by_stage(record).values())
    values = ", ".join(f"{point.stage} {_short(point.interval)}" for point in points)
    return f"{points[0].quantity} of {record.method} on {record.model} by stage, {record.question}: {values}"


def _bars(run: Run) -> Iterator[tuple[str, Figure]]:
    questions = dict.fromkeys(record.question for record in run.records) if can_draw() else {}
    for question in questions:
        records = [each for each in run.records if each.question == question and each.result and each.result.stages]
        if not records:
            continue
        names = {record.id: " on ".join(filter(None, (record.method, record.model))) for record in records}
        decided = {names[each.id]: each.result.deciding for each in records if each.result and each.result.deciding}
        ranges: dict[str, Range] = {name: stage.interval for name, stage in decided.items()}
        left = 0.15 + max(map(length_of, ranges))
        figure, axes = new_figure(left + 4.0, 0.75 + 0.24 * len(ranges), left=left, bottom=0.45)
        (first, *_) = [record.result for record in records if record.result]
        draw_bars(
            axes,
            ranges,
            limits={name: stage.threshold for name, stage in decided.items()},
            quantity=first.quantity,
            faint=frozenset(names[each.id] for each in records if each.method in CONTROLS),
        )
        text = f"{first.quantity}, {question}: " + ", ".join(
            f"{name} {_short(stage.interval)}" for name, stage in decided.items()
        )
        yield question, Figure(f"bars-{file_name(question)}", text, as_svg(figure), as_png(figure))


def _ranges(points: dict[str, Point]) -> dict[str, Range]:
    return {stage: point.interval for stage, point in points.items()}


def _short(interval: Interval) -> str:
    return f"{interval.mean:.2f}" if interval.defined else "undefined"
