"""The checks that exist: their names, questions, sources and thresholds. Standard library only.

The thresholds are calibrated by ``benchmarks/calibrate_thresholds.py`` and explained in ``docs/thresholds.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# How many images a check looks at. An interval over fewer than the least says more about Student's t than about the
# method; there are no more held-out digits than the most.
IMAGES, LEAST_IMAGES, MOST_IMAGES = 40, 10, 1000


@dataclass(frozen=True)
class Check:
    """A named question put to a method.

    ``thresholds``: what |mean SRC| must stay below, by the stage where it is judged. ``variants``: the forms that the
    question is asked in, each a test of its own.
    """

    name: str
    question: str
    source: str
    thresholds: Mapping[str, float]
    variants: tuple[str, ...] = ()

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
    )
}


def check_threshold(threshold: object) -> None:
    """Raise ValueError or TypeError unless a threshold is a number above 0 and at most 1."""
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise TypeError(f"threshold must be a number above 0 and at most 1, not {threshold!r}")
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, not {threshold!r}")


def question_ids(names: Iterable[str]) -> list[str]:
    """Return the names of all tests of the named checks."""
    return [each for name in names for each in CHECKS[name].ids]
