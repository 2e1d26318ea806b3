"""The checks that exist: their names, questions, sources and thresholds. Standard library only.

The thresholds are calibrated by ``benchmarks/calibrate_thresholds.py`` and explained in ``docs/thresholds.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# How many images a check looks at. An interval over fewer than the least says more about Student's t than about the
# method; there are no more held-out digits than the most.
IMAGES, LEAST_IMAGES, MOST_IMAGES = 40, 10, 1000


@dataclass(frozen=True)
class Check:
    """A named question put to a method.

    ``thresholds``: what |mean SRC| must stay below, by the stage where it is judged; with ``above``, what the mean SRC
    must stay above; none where the answer is no number. ``variants``: the forms that the question is asked in, each a
    test of its own. ``findings``: those of them that say something about a method, but are no reason to turn it down;
    they decide in the tier ``full`` only. ``by_model``: whether it is put to every model, or to the method alone.
    ``quantity``: what is compared with the thresholds.
    """

    name: str
    question: str
    source: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    above: bool = False
    by_model: bool = True
    quantity: str = "SRC"

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of its tests: its own, or one with each variant in brackets."""
        return tuple(f"{self.name}[{variant}]" for variant in self.variants) or (self.name,)

    def judged_by(self, threshold: float | None) -> dict[str, float]:
        """Return the calibrated thresholds by stage, or the given one in place of each."""
        return {at: calibrated if threshold is None else threshold for at, calibrated in self.thresholds.items()}


CHECKS = {
    check.name: check
    for check in (
        Check(
            name="label_randomization",
            question="do the maps change when the labels that the model learned were random?",
            source="Shin and Nemeth, section 4.1; Adebayo et al. 2018, section 3.2",
            thresholds={"last": 0.81},
        ),
        Check(
            name="cascading_randomization",
            question="do the maps change as the weights are randomised, layer by layer?",
            source="Shin and Nemeth, section 4.2; Adebayo et al. 2018, section 3.1",
            thresholds={"classifier": 0.92, "last": 0.75},
            variants=("top_down", "bottom_up", "independent"),
        ),
        Check(
            name="bias_detection",
            question="do the maps show that a model learned a bias, and that a balanced one did not?",
            source="Shin and Nemeth, section 4.3",
            thresholds={"nuisance": 0.1},
            above=True,
            quantity="drop of mass",
        ),
        Check(
            name="class_sensitivity",
            question="does another class give another map?",
            source="Sixt et al. 2020, section 5",
            thresholds={"other_class": 0.92},
        ),
        Check(
            name="repeatability",
            question="does the same model give the same map again, up to the method's own noise?",
            source="this project",
            thresholds={"again": 0.5},
            above=True,
        ),
        Check(
            name="symmetry",
            question="do the maps stay when the same function is written down differently?",
            source="Sundararajan et al. 2017, Dinh et al. 2017, Kindermans et al. 2017",
            thresholds={"permutation": 0.98, "rescaling": 0.98, "input_shift": 0.98},
            variants=("permutation", "rescaling", "input_shift"),
            findings=("input_shift",),
            above=True,
        ),
        Check(
            name="contract",
            question="right shape, finite, the same alone as in a batch and twice, all left as found?",
            source="this project, property-based",
            by_model=False,
        ),
    )
}


TIERS = ("gate", "full")


def is_finding(question: str) -> bool:
    """Return whether a test, ``check`` or ``check[variant]``, is a warning only, unless the tier is ``full``."""
    name, _, variant = question.rstrip("]").partition("[")
    return variant in CHECKS[name].findings


def require_threshold(threshold: object) -> None:
    """Raise ValueError or TypeError unless a threshold is a number above 0 and at most 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"threshold must be a number above 0 and at most 1, not {threshold!r}")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold!r}")


def question_ids(names: Iterable[str]) -> list[str]:
    """Return the names of all tests of the named checks."""
    return [each for name in names for each in CHECKS[name].ids]
