"""The result of a check. Standard library only, since results travel between processes and are kept in files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from math import nan
from typing import Any, Literal, NamedTuple

from ...measuring.interval import Interval
from .evidence import Evidence, Point, bounds_of, finite, without_bounds
from .tables import html_of

Verdict = Literal["passed", "failed", "inconclusive", "undefined"]
WORST_FIRST: tuple[Verdict, ...] = ("failed", "undefined", "inconclusive", "passed")


@dataclass(frozen=True)
class StageVerdict:
    """The verdict on a stage: whether the statistic, whose mean and bounds are ``interval``, is below ``threshold``.

    ``above``: whether it must be above the threshold instead. ``undefined`` of ``total`` values are undefined.
    """

    stage: str
    threshold: float
    verdict: Verdict
    interval: Interval
    undefined: int
    total: int
    above: bool = False

    @property
    def must_be(self) -> str:
        """On which side of the threshold the mean must be: ``below 0.89``."""
        return f"{'above' if self.above else 'below'} {self.threshold:g}"

    @property
    def excess(self) -> float:
        """How far the mean is on the wrong side of the threshold."""
        mean = self.interval.mean
        return self.threshold - mean if self.above else mean - self.threshold

    @property
    def margin(self) -> float | None:
        """How far the mean is on the right side of the threshold, in half-widths of the interval.

        Negative on the wrong side. None if nothing is defined, or the interval has no width.
        """
        width = self.interval.half_width
        return -self.excess / width if width > 0 else None


def decisive(stages: Sequence[StageVerdict]) -> StageVerdict:
    """Return the stage that decides: of those with the worst verdict, the one whose mean is worst."""
    worst = min((each.verdict for each in stages), key=WORST_FIRST.index)
    return max((each for each in stages if each.verdict == worst), key=lambda each: each.excess)


class Figure(NamedTuple):
    """Anything measured besides the statistic: ``Figure("networks tried", 80)``."""

    name: str
    value: float | int | str


class Finding(NamedTuple):
    """What describes a method but does not disqualify it, so that it decides only in the tier ``full``.

    ``text``: in words, without a full stop. ``figure``: the measurement or example that it rests on, in words.
    """

    text: str
    figure: str


@dataclass(frozen=True)
class Measured:
    """The measurements that a verdict rests on.

    ``sign``: how maps were read, ``"signed"`` or ``"absolute"``; empty if no maps were. ``has_signs``: whether they
    have signs. ``images`` and ``draws``: how many of each; ``looks``: after how many looks. ``seed``: that of all
    random draws. ``confidence``: that of the intervals, of all looks together. ``chance``: what a map of random
    numbers scores on average; None if that is unknown. ``figures``: other measurements.
    """

    seed: int
    sign: str = ""
    has_signs: bool = False
    images: int = 0
    draws: int = 0
    looks: int = 1
    confidence: float = 0.95
    chance: float | None = None
    figures: tuple[Figure, ...] = ()

    @property
    def maps(self) -> str:
        """What was compared, in words; empty if no maps were."""
        if self.sign != "signed":
            return self.sign and "magnitudes"
        return "with signs" if self.has_signs else "without signs"

    def figure(self, name: str) -> float | int | str | None:
        """Return the value of a figure by its name; None if it was not measured."""
        return dict(self.figures).get(name)

    def as_record(self) -> dict[str, Any]:
        """Return the measurements as JSON primitives; ``from_record`` is the inverse."""
        figures = [[name, value if isinstance(value, int | str) else finite(value)] for name, value in self.figures]
        return {**asdict(self), "chance": finite(self.chance), "figures": figures}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Measured:
        """Return the measurements of such a record as ``as_record`` returns."""
        figures = tuple(Figure(name, nan if value is None else value) for name, value in record["figures"])
        return cls(**{each.name: record[each.name] for each in fields(cls)} | {"figures": figures})


@dataclass(frozen=True)
class CheckResult:
    """The result of a check.

    ``check``: its name, with the variant in brackets. ``verdict``: only ``"passed"`` passes. ``message``: for a reader
    who has never seen this project. ``stages``: the verdict at each stage that was judged; empty if the check
    judges something else. ``not_asked``: why the question was not put to this model; empty if it was. ``expected``: why
    it was expected not to pass; empty if it was expected to pass. ``quantity``: what was judged. ``finding``: whether
    the verdict decides only in the tier ``full``. ``magnitudes``: the verdicts on the maps' magnitudes, if their signs
    were judged. ``findings``: what else was found, which decides only in the tier ``full``. ``curve``: the measurements
    at all stages, judged or only shown, with signs and by magnitude. ``evidence``: values image by image and a few
    maps; it is not part of the record.
    """

    check: str
    method: str
    model: str
    verdict: Verdict
    message: str
    measured: Measured
    stages: tuple[StageVerdict, ...] = ()
    not_asked: str = ""
    expected: str = ""
    quantity: str = "SRC"
    finding: bool = False
    magnitudes: tuple[StageVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    curve: tuple[Point, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def deciding(self) -> StageVerdict | None:
        """The stage that decides; None if no stage was judged."""
        return decisive(self.stages) if self.stages else None

    @property
    def statistic(self) -> float | None:
        """The judged quantity at the stage that decides; None if undefined."""
        return self.deciding.interval.mean if self.interval else None  # type: ignore[union-attr]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The confidence bounds of the statistic; None if undefined."""
        found = self.deciding
        return (found.interval.low, found.interval.high) if found and found.interval.defined else None

    @property
    def threshold(self) -> float | None:
        """The threshold at the stage that decides; None if no stage was judged."""
        return self.deciding.threshold if self.deciding else None

    @property
    def judged_by_stage(self) -> dict[tuple[str, str], StageVerdict]:
        """The verdicts by stage and by how maps were read: those that decide, and those on magnitudes."""
        sign = self.curve[0].sign if self.curve else self.measured.sign
        judged = {(stage.stage, sign): stage for stage in self.stages}
        return judged | {(stage.stage, "absolute"): stage for stage in self.magnitudes}

    def passed_in(self, tier: str) -> bool:
        """Return whether nothing that decides in a tier, ``gate`` or ``full``, stands against the method."""
        if tier == "full":
            return self.verdict == "passed" and not self.findings
        return self.verdict == "passed" or self.finding

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return html_of(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print what IPython shows on a terminal."""
        printer.text(self.message)

    def as_record(self) -> dict[str, Any]:
        """Return the result as JSON primitives; ``from_record`` is the inverse, but for the evidence."""
        record = asdict(replace(self, evidence=None))
        del record["evidence"]
        return {
            **record,
            "statistic": finite(self.statistic),
            "interval": [finite(each) for each in self.interval] if self.interval else None,
            "threshold": self.threshold,
            "margin": finite(self.deciding.margin) if self.deciding else None,
            "measured": self.measured.as_record(),
            "stages": [_stage_record(each) for each in self.stages],
            "magnitudes": [_stage_record(each) for each in self.magnitudes],
            "findings": [each._asdict() for each in self.findings],
            "curve": [each.as_record() for each in self.curve],
        }

    def plain(self) -> CheckResult:
        """Return this result with numbers of Python's: those of numpy are no JSON, and do not travel between processes.

        Raises TypeError or ValueError if it holds anything else.
        """
        try:
            text = json.dumps(self.as_record(), allow_nan=False, default=_number)
        except (TypeError, ValueError) as error:
            raise type(error)(f"the result of {self.check} can't be kept as JSON: {error}") from error
        return replace(self.from_record(json.loads(text)), evidence=self.evidence)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> CheckResult:
        """Return the result of such a record as ``as_record`` returns."""
        own: dict[str, Any] = {each.name: record[each.name] for each in fields(cls) if each.name != "evidence"}
        measured = Measured.from_record(own["measured"])
        stages = {name: tuple(map(_stage_of, own[name])) for name in ("stages", "magnitudes")}
        findings = tuple(Finding(each["text"], each["figure"]) for each in own["findings"])
        curve = tuple(map(Point.from_record, own["curve"]))
        return cls(**own | stages | {"measured": measured, "findings": findings, "curve": curve})


def _number(value: Any) -> Any:
    if hasattr(value, "item"):  # of numpy
        return value.item()
    raise TypeError(f"{value!r} is neither a number nor a text")


def _stage_record(stage: StageVerdict) -> dict[str, Any]:
    record = asdict(stage)
    del record["interval"]
    return record | bounds_of(stage.interval)


def _stage_of(record: Mapping[str, Any]) -> StageVerdict:
    own, interval = without_bounds(StageVerdict, record)
    return StageVerdict(**own, interval=interval)


def not_asked(check: str, method: str, model: str, seed: int, why: str) -> CheckResult:
    """Return the result of a question that can't be put to a model. ``why``: the reason, without a full stop."""
    message = f"{check}: {method} on {model} NOT ASKED\n\n{why}."
    return CheckResult(check, method, model, "undefined", message, Measured(seed), not_asked=why)
