"""An answer to a question, as two runs compare it, and what counts as a change. Standard library only.

Two intervals that share a value are no change: then a quantity can be the same in both runs. If it is the same, and the
runs draw other images and weights, intervals of 95 % have no value in common in at most 0.6 % of all cases, against
17 % for a mean outside the other interval, so that a run of a hundred answers is not red by chance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...checks.judging.result import WORST_FIRST, CheckResult
from ...foundation.errors import LONGEST_WORD, shortened
from ...measuring.interval import Interval
from ..record import Record, model_of

NOT_ASKED, NO_VERDICT = "not asked", "no verdict"
SURE = ("passed", "failed")
# From worst to best.
ORDER = (NO_VERDICT, "failed", "undefined", "inconclusive", NOT_ASKED, "passed")
# Intervals closer than this share a value: sums of floats differ by as much on another machine.
NEXT_TO_NOTHING = 1e-3
UNDEFINED = Interval(*[float("nan")] * 3)


@dataclass(frozen=True)
class Answer:
    """The verdict on a question, and the number that it rests on.

    ``model``: empty if the question is put to the method alone. ``check``: with the variant in brackets. ``verdict``:
    that of a result, ``not asked`` or, if the test ended without a result, ``no verdict``. ``interval``, ``stage``,
    ``threshold``, ``above``: those of the stage that decides. ``threshold`` is None if no stage was judged. ``why``:
    why there is no verdict, in a line.
    """

    method: str
    model: str
    check: str
    verdict: str
    interval: Interval = UNDEFINED
    stage: str = ""
    threshold: float | None = None
    above: bool = False
    why: str = ""

    @classmethod
    def of(cls, result: CheckResult) -> Answer:
        """Return the answer of a result."""
        key = (result.method, model_of(result), result.check)
        if result.not_asked:
            return cls(*key, NOT_ASKED, why=result.not_asked)
        judged = result.deciding
        if judged is None:
            return cls(*key, result.verdict)
        return cls(*key, result.verdict, judged.interval, judged.stage, judged.threshold, judged.above)

    @classmethod
    def of_record(cls, record: Record) -> Answer:
        """Return the answer of a record, with or without a result."""
        if record.result:
            return cls.of(record.result)
        verdict = NOT_ASKED if record.outcome == "skipped" else NO_VERDICT
        return cls(*record.key, verdict, why=record.reason)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells this question from others: method, model, and check with variant."""
        return self.method, self.model, self.check

    @property
    def answered(self) -> bool:
        """Whether there is a verdict."""
        return self.verdict in WORST_FIRST

    @property
    def must(self) -> str:
        """On which side of the threshold the number must be, ``below 0.89``; empty if there is none."""
        return "" if self.threshold is None else f"{'above' if self.above else 'below'} {self.threshold:g}"

    @property
    def number(self) -> str:
        """The number with its interval, ``0.345 [0.179, 0.511]``; empty if there is none."""
        mean, low, high = self.interval
        return f"{mean:.3f} [{low:.3f}, {high:.3f}]" if self.interval.defined else ""

    @property
    def short(self) -> str:
        """The verdict and its number: ``passed 0.345 [0.179, 0.511]``."""
        return f"{self.verdict} {self.number}".rstrip()

    @property
    def basis(self) -> str:
        """What the verdict rests on, ``0.345 [0.179, 0.511] at random_labels, must stay below 0.89``, or why not."""
        if self.threshold is None:
            return self.why
        return f"{self.number or 'none defined'} at {self.stage}, must stay {self.must}"

    @property
    def text(self) -> str:
        """The verdict and what it rests on, so that several stand below each other."""
        return f"{self.verdict:{max(map(len, ORDER))}}  {self.basis}".rstrip()


def distance(before: Answer, after: Answer) -> float:
    """Return how far two intervals are apart; 0 if they share a value, or there is none on one side."""
    if not (before.interval.defined and after.interval.defined):
        return 0.0
    return max(0.0, after.interval.low - before.interval.high, before.interval.low - after.interval.high)


def shift(before: Answer, after: Answer) -> float | None:
    """Return how far the number moved; None if there is none on one side."""
    if not (before.interval.defined and after.interval.defined):
        return None
    return abs(after.interval.mean - before.interval.mean)


def has_moved(before: Answer, after: Answer) -> bool:
    """Return whether the number moved so far that it is seen in three digits."""
    return (shift(before, after) or 0) >= 5e-4


def is_changed(before: Answer, after: Answer) -> bool:
    """Return whether an answer is another than before.

    With intervals on both sides: if they share no value, or ``passed`` became ``failed`` or the reverse, as under
    another threshold. Without: if the verdicts differ.
    """
    if before.interval.defined and after.interval.defined:
        flipped = before.verdict != after.verdict and {before.verdict, after.verdict} <= set(SURE)
        return flipped or distance(before, after) > NEXT_TO_NOTHING
    return before.verdict != after.verdict


def is_worse(before: Answer, after: Answer) -> bool:
    """Return whether the verdict is worse than before."""
    return ORDER.index(after.verdict) < ORDER.index(before.verdict)


def named(keys: Iterable[tuple[str, str, str]], most: int = 3) -> str:
    """Return the first few questions by name, and how many more there are."""
    names = [shortened(name_of(*key), LONGEST_WORD) for key in keys]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{'; '.join(names[:most])}{more}"


def name_of(method: str, model: str, check: str) -> str:
    """Return the name of a question: ``gradcam on alexnet: symmetry[rescaling]``."""
    return f"{method}{f' on {model}' * bool(model)}: {check}"
