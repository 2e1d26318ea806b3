"""The registry of checks. Standard library only, so all checks are known before anything heavy is imported.

A check is a folder: its ``__init__.py`` registers it, ``ask.py`` puts the question. Other packages add theirs by the
entry-point group ``saliency_sanity.checks``, a project by its hook ``pytest_saliency_checks`` (docs/extending.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..foundation.errors import unknown_name
from ..foundation.ids import split_variant, with_variant
from ..foundation.imports import import_attribute
from ..foundation.registry import Registry

if TYPE_CHECKING:
    from .judging.result import CheckResult

Ask = Callable[..., "CheckResult"]
Unfit = Callable[..., str]

# How many images a check explains by default and at most: there are 1000 held-out digits.
IMAGES, MOST_IMAGES = 40, 1000
TIERS = ("gate", "full")
# What the checks of maps judge: the mean of |SRC|, for which a map and its negative are alike, or the mean of SRC.
SIMILARITY, MEAN_SRC = "similarity", "SRC"


@dataclass(frozen=True)
class Check:
    """A named question put to a saliency method.

    ``name``: lower case, with underscores; its test is ``test_<name>``. ``question``: in words. ``source``: the paper
    it comes from. ``ask``: a function ``(subject, needs, variant, threshold) -> CheckResult``, or its import path.
    ``judged``: what the maps are compared with, in words.

    ``thresholds``: by stage, what ``quantity`` must stay below; with ``above``, what it must stay above; empty if the
    answer is not a number. ``unsigned``: the thresholds for maps without signs, if they differ: such maps share more by
    chance. ``quantity``: ``SIMILARITY``, ``MEAN_SRC`` or a quantity of the check's own, in words. ``variants``: the
    forms of the question, each a test of its own. ``findings``: the variants that describe a method but do not
    disqualify it: they decide only in the tier ``full``. ``needs``: what the check needs besides a method, a model and
    images, by name, each with the message for a model without it, in which ``{model}`` is filled in. ``by_model``:
    whether the question is put to every model, or to the method alone. ``unfit``: a function ``(subject, variant) ->``
    why the question can't be put to it, empty if it can, or its import path; ``doctor`` asks it beforehand.

    ``must_fail``: by variant (empty if there is none), the methods that must fail, chosen before any measurement; they
    show that the check can fail. The thresholds lie half-way between them and the reference methods, which must pass
    everything (docs/thresholds.md). ``decided``: the thresholds were set for another reason instead.

    ``card``: by variant, which attribute of a saliency card (Boggust et al. 2023) it measures, and the name of the test
    there: ``"Label Sensitivity: Data Randomization"``; the attribute alone if no test there is like it.
    """

    name: str
    question: str
    source: str
    ask: str | Ask = field(repr=False)
    judged: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    unsigned: Mapping[str, float] = field(default_factory=dict)
    quantity: str = MEAN_SRC
    above: bool = False
    variants: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    by_model: bool = True
    unfit: str | Unfit = field(default="", repr=False)
    must_fail: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    decided: bool = False
    card: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.name.isidentifier() and self.name.islower()):
            raise ValueError(f"the name of a check must be lower case with underscores, not {self.name!r}")
        if unknown := [at for at in self.unsigned if at not in self.thresholds]:
            raise ValueError(f"unsigned of {self.name} must have stages of its thresholds, not {', '.join(unknown)}")
        for what, named in (("findings", self.findings), ("must_fail", self.must_fail), ("card", self.card)):
            if unknown := [each for each in named if each not in (self.variants or ("",))]:
                raise ValueError(f"{what} of {self.name} must name variants of it, not {', '.join(map(repr, unknown))}")

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of its questions: the bare name, or one for each variant, ``symmetry[rescaling]``."""
        return tuple(with_variant(self.name, variant) for variant in self.variants or ("",))

    def is_finding(self, variant: str) -> bool:
        """Return whether a variant is a finding, which decides only in the tier ``full``."""
        return variant in self.findings

    def judged_by(self, threshold: float | None = None, *, signed: bool = True) -> dict[str, float]:
        """Return the threshold of each stage: the given one, or if it is None the calibrated one of such maps."""
        calibrated = dict(self.thresholds) if signed else {**self.thresholds, **self.unsigned}
        return calibrated if threshold is None else dict.fromkeys(calibrated, threshold)

    def asking(self) -> Ask:
        """Return the function that puts the question, imported if it was registered by its path."""
        found: Ask = import_attribute(self.ask) if isinstance(self.ask, str) else self.ask
        return found

    def why_unfit(self, subject: object, variant: str) -> str:
        """Return why the question can't be put to a subject; empty if nothing is known against it."""
        found = import_attribute(self.unfit) if self.unfit and isinstance(self.unfit, str) else self.unfit
        return str(found(subject, variant)) if callable(found) else ""


_HERE = "pytest_saliency_sanity.checks"
CHECKS = Registry(
    "check",
    Check,
    "saliency_sanity.checks",
    (
        f"{_HERE}.label_randomization:CHECK",
        f"{_HERE}.cascading_randomization:CHECK",
        f"{_HERE}.bias_detection:CHECK",
        f"{_HERE}.class_sensitivity:CHECK",
        f"{_HERE}.repeatability:CHECK",
        f"{_HERE}.symmetry:CHECK",
        f"{_HERE}.null_region:CHECK",
        f"{_HERE}.localization:CHECK",
        f"{_HERE}.contract:CHECK",
    ),
)


def question_ids(names: Iterable[str]) -> list[str]:
    """Return the ids of all questions of the named checks or single variants, each once.

    Raises ValueError, with near matches, if a name does not exist.
    """
    known = CHECKS.all()
    ids = [each for check in known.values() for each in check.ids]
    found: dict[str, None] = {}
    for name in names:
        if name in known:
            found |= dict.fromkeys(known[name].ids)
        elif name in ids:
            found[name] = None
        else:
            raise unknown_name("check", name, dict.fromkeys((*known, *ids)))
    return list(found)


def check_of(question_id: str) -> Check:
    """Return the check of a question. Raises ValueError if there is none."""
    return CHECKS.named(split_variant(question_id)[0])
