"""What the page shows of each question, in words and numbers. The template only places it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import metadata
from math import isfinite

from ...checks.judging.result import CheckResult, StageVerdict
from ...checks.registry import CHECKS
from ...drawing.style import can_draw, inline
from ...measuring.profile import TRAINED
from ..figures import curves
from ..record import Record
from ..run import Run
from ..status import MEANINGS, NOT_GREEN, Status, status_of
from .places import Places, places_of
from .rows import Row, rows_of
from .words import certainty_of, chance_of, meaning_of, measured_of, number_of, rule_of, size_of, undefined_of

SYMBOLS: dict[Status, str] = {
    "error": "!",
    "failed": "✗",
    "undefined": "∅",
    "inconclusive": "?",
    "expected": "✗",
    "finding": "✗",
    "skipped": "-",
    "passed": "✓",
}
SIDE, SIDE_OF_FEW, FEW = 48, 64, 4  # pixels of a map: fewer columns get larger ones
MAPS = {"magnitudes": "read by magnitude", "with signs": "with signs", "without signs": "without signs"}
MOST_STAGES = 8  # of a strip; a cascade of a hundred layers is shown by some of them


@dataclass(frozen=True)
class Strip:
    """Maps side by side: the headings of its columns, the picture as base64 of a PNG, and what it shows in words.

    ``side``, ``width`` and ``height``: of a map and of the picture, in pixels. ``left_out``: how many stages are not
    shown.
    """

    headings: tuple[str, ...]
    data: str
    side: int
    width: int
    height: int
    text: str
    left_out: int


@dataclass(frozen=True)
class Cell:
    """A question as the page shows it."""

    run: Run
    record: Record
    anchor: str
    images: int  # how many rows a strip has
    has_curve: bool  # if there is one

    @property
    def result(self) -> CheckResult | None:
        """The result; None if there is no verdict."""
        return self.record.result

    @cached_property
    def status(self) -> Status:
        """The status of the question."""
        return status_of(self.record, self.run.tier)

    @property
    def symbol(self) -> str:
        """The status as a sign; of what did not pass but is no failure, that of its verdict."""
        by_verdict = self.result and self.status in ("finding", "expected") and self.result.verdict in SYMBOLS
        return SYMBOLS[self.result.verdict] if by_verdict and self.result else SYMBOLS[self.status]

    @property
    def meaning(self) -> str:
        """The status in words."""
        if self.status == "error" and self.result:
            return f"{'passed' if self.result.verdict == 'passed' else 'a finding'}, but the test failed"
        return "ended without a verdict" if self.status == "error" else MEANINGS[self.status]

    @property
    def is_red(self) -> bool:
        """Whether the question keeps the run from being green."""
        return self.status in NOT_GREEN

    @property
    def deciding(self) -> StageVerdict | None:
        """The stage that decides."""
        return self.result.deciding if self.result else None

    @property
    def question(self) -> str:
        """What is asked, in words."""
        known = CHECKS.all().get(self.record.check)
        return known.question if known else ""

    @property
    def source(self) -> str:
        """The paper that the check comes from."""
        known = CHECKS.all().get(self.record.check)
        return known.source if known else ""

    @property
    def documentation(self) -> str:
        """The address of the check's documentation; empty if it is another package's."""
        found = CHECKS.sources().get(self.record.check)
        return f"{documentation()}/checks.md#{self.record.check}" if found and found.is_built_in else ""

    @property
    def number(self) -> str:
        """The number that decides, with its interval."""
        return number_of(self.deciding) if self.deciding else ""

    @property
    def places(self) -> Places | None:
        """Where that number, the threshold and chance stand on a line; None if there is none."""
        return places_of(self.deciding, self.result.measured.chance) if self.deciding and self.result else None

    @property
    def words(self) -> str:
        """What the verdict means, in the words of the check; why there is none, or why it was not enough."""
        return meaning_of(self.record)

    @property
    def details(self) -> str:
        """The whole message of a question that judges no number."""
        if self.result is None or self.result.stages or self.result.not_asked:
            return ""
        return self.result.message

    @property
    def rows(self) -> list[Row]:
        """The numbers of all stages."""
        return rows_of(self.result, self.run.tier) if self.result else []

    @cached_property
    def curve(self) -> str:
        """The curve over the stages, as an SVG element; empty if there is none, or the page has enough of them."""
        figure = curves(self.run).get(self.record.id) if self.has_curve else None
        return inline(figure.svg, figure.text, f"{self.anchor}-") if figure else ""

    @property
    def curve_elsewhere(self) -> str:
        """The name of the file that has the curve if this page does not; empty if there is none."""
        figure = None if self.has_curve else curves(self.run).get(self.record.id)
        return f"{figure.name}.svg" if figure else ""

    @cached_property
    def strip(self) -> Strip | None:
        """The maps of a few images at a few stages; None if there are none, or matplotlib is missing."""
        evidence = self.result and self.result.evidence
        if not evidence or not evidence.has_maps or not self.images or not can_draw():
            return None
        from ...drawing.maps import PALETTE, SHADES, png, strip

        judged = {stage.stage for stage in self.result.stages} if self.result else set()
        maps = {name: evidence.maps[name] for name in few_of(list(evidence.maps), {TRAINED, *judged}, MOST_STAGES)}
        side = SIDE_OF_FEW if len(maps) < FEW else SIDE
        pixels = strip(maps, evidence.pictures, images=self.images, side=side, shades=SHADES)
        headings = (*(["image"] if evidence.pictures is not None else []), *maps)
        data = b64encode(png(pixels, PALETTE)).decode("ascii")
        text = f"Maps of {self.record.method}, a row for each image: {', '.join(headings)}"
        left_out = len(evidence.maps) - len(maps)
        return Strip(headings, data, side, pixels.shape[1], pixels.shape[0], text, left_out)

    @property
    def findings(self) -> list[str]:
        """What else was found."""
        return [f"{each.text} ({each.figure})" for each in self.result.findings] if self.result else []

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        """What was asked and measured, name by name."""
        if self.question:
            yield "question", self.question
        result, judged = self.result, self.deciding
        if result and judged:
            yield "rule", rule_of(result, judged)
            yield from (("measured", text) for text in measured_of(result))
            yield "how sure", certainty_of(result, judged)
            yield "undefined", undefined_of(result)
        if result:
            yield "for comparison", chance_of(result, judged)
            yield "maps", ", ".join(filter(None, [MAPS.get(result.measured.maps, ""), size_of(result.evidence)]))
            yield from ((each.name, written(each.value)) for each in result.measured.figures if short(each.value))
        if self.record.parameters:
            yield "parameters", ", ".join(f"{name}={value}" for name, value in self.record.parameters.items())
        yield "took", f"{self.record.seconds:.2g} s{f' on {self.record.device}' * bool(self.record.device)}"


def few_of(names: list[str], needed: set[str], most: int) -> list[str]:
    """Return at most so many names, in order: the needed ones first, then others evenly spread."""
    chosen = [name for name in names if name in needed][:most]
    others = [name for name in names if name not in chosen]
    room = most - len(chosen)
    step = max(1, -(-len(others) // room)) if room else len(others) + 1
    chosen += others[step - 1 :: step][:room]
    return [name for name in names if name in chosen]


def written(value: float | int | str) -> str:
    """Return a measurement as text."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if isfinite(value) else "undefined"


def short(value: object) -> bool:
    """Return whether a value fits on a line. What does not is in the message."""
    return len(str(value)) < 80


@cache
def documentation() -> str:
    """Return where the documentation is, from the metadata of the package; empty if there is none."""
    for each in metadata.metadata("pytest-saliency-sanity").get_all("Project-URL", []):
        name, _, address = str(each).partition(", ")
        if name == "Documentation":
            return address
    return ""
