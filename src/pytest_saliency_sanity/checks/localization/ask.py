"""Among clutter, do maps lie on the object? After the grid pointing game (Böhle et al. 2021, arXiv:2104.00032).

There, pictures of four classes are put together for a network that never saw such mosaics. Here the network learned
scenes of one object among clutter, so nothing about them is new to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...data.scenes import Scenes
from ...foundation.limits import require_enough_images
from ...foundation.progress import expect
from ...foundation.randomness import derived_seed
from ...measuring.localization import mass_inside
from ...measuring.looks import has_few_images
from ...measuring.mass import Masses, maps_to_weigh
from ...measuring.pictures import maps_to_keep, pictures_of
from ...measuring.statistics import mean_interval
from ..judging.evidence import Evidence
from ..judging.message import BAR, bar
from ..judging.result import CheckResult, Figure, Measured, StageVerdict
from ..judging.showing import point_of_masses
from ..judging.subject import Subject
from ..judging.verdict import SURE, judge_look
from ..registry import IMAGES
from . import CHECK

(STAGE,) = CHECK.thresholds
CHANCE = 0.25  # one object among three pieces of clutter of the same size
MEANING = {
    "passed": "The maps lie on the object more than on clutter of the same strokes.",
    "failed": "The maps lie on clutter as on the object, or more: they do not show where the evidence is.",
    "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
    "undefined": "Undefined: too few maps are finite and not 0 everywhere to say anything.",
}


@dataclass(frozen=True, eq=False)
class Located:
    """Which share of each map lies on the object, and on clutter."""

    on_object: Masses
    on_clutter: Masses

    @property
    def shares(self) -> np.ndarray:
        """What lies on the object, of what lies on the object and on clutter: ``(N,)``, NaN if there is neither."""
        both = self.on_object.values + self.on_clutter.values
        shares: np.ndarray = np.divide(self.on_object.values, both, out=np.full(len(both), np.nan), where=both > 0)
        return shares


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check; ``needs["scenes"]`` has the images and where their objects and clutter are."""
    return check_localization(subject, needs["scenes"], threshold=threshold)


def check_localization(subject: Subject, scenes: Scenes, *, threshold: float | None = None) -> CheckResult:
    """Measure which share of a map's magnitude lies on the object, of what lies on the object and on clutter.

    The true class is explained. A fourth is what chance gives, and what a map gives that shows strokes of any kind.
    Passed if the mean share over images is above ``threshold``, by default the calibrated one, with its whole interval.

    Raises TypeError for anything but scenes, ValueError for fewer than ten, SaliencyMethodError if the method raises or
    does not return maps.
    """
    if not isinstance(scenes, Scenes):
        raise TypeError(f"scenes must be a {Scenes.__module__}.{Scenes.__name__}, not {type(scenes).__name__}")
    require_enough_images(len(scenes))
    (limit,) = CHECK.judged_by(threshold).values()
    seed = derived_seed(subject.seed, CHECK.name, subject.model_name)
    name = f"{subject.method_name} on {subject.model_name}"
    looks, level, short = subject.looking(1, images=len(scenes))
    found = Located(Masses(np.empty(0)), Masses(np.empty(0)))
    kept: dict[str, np.ndarray] = {}
    for look in looks:
        rows = slice(len(found.on_object), look.images)
        expect(rows.stop - rows.start)
        maps = maps_to_weigh(subject.method, subject.model, scenes.batch, rows, name=f"{name}, scenes", seed=seed)
        kept.setdefault("scenes", maps_to_keep(maps, "signed"))
        found = Located(
            found.on_object.followed_by(Masses(mass_inside(maps, scenes.objects[rows]).numpy())),
            found.on_clutter.followed_by(Masses(mass_inside(maps, scenes.clutter[rows]).numpy())),
        )
        interval = partial(mean_interval, confidence=level)
        few = has_few_images(look, looks)
        stage = judge_look(STAGE, found.shares[None], interval, limit, above=CHECK.above, few=few)
        # A finding takes no more images than usual.
        if stage.verdict in SURE or look.images >= IMAGES:
            break
    measured = Measured(
        subject.seed,
        "absolute",
        images=look.images,
        draws=1,
        looks=looks.index(look) + 1,
        confidence=subject.reading.confidence,
        chance=CHANCE,
        figures=tuple(
            Figure(f"mass on {where}", masses.mean)
            for where, masses in (("the object", found.on_object), ("clutter", found.on_clutter))
            if masses.undefined < len(masses)
        ),
    )
    return CheckResult(
        check=CHECK.name,
        method=subject.method_name,
        model=subject.model_name,
        verdict=stage.verdict,
        message="\n".join(
            [
                explain(f"{CHECK.name}: {name}", scenes.first(look.images), found, stage, measured),
                *filter(None, [subject.to_ask_for_more(stage.verdict) if short else ""]),
            ]
        ),
        measured=measured,
        stages=(stage,),
        finding=True,
        curve=tuple(
            point_of_masses(masses, where, "mass", subject.reading.confidence)
            for where, masses in (("on the object", found.on_object), ("on clutter", found.on_clutter))
        ),
        evidence=Evidence({"absolute": {STAGE: found.shares[None]}}, kept, pictures_of(scenes.batch.images)),
    )


def explain(title: str, scenes: Scenes, found: Located, stage: StageVerdict, measured: Measured) -> str:
    """Return the whole message: what was asked and found, and the masses beside what chance gives."""
    mean, low, high = stage.interval
    must = f"it must stay above {stage.threshold:g} with its whole interval"
    interval = f"{measured.confidence * 100:g}% interval {low:.3f} to {high:.3f}"
    none = f"No map is finite and lies on the object or on clutter, so there is no share; {must}."
    chance = [each.double().mean().item() for each in (scenes.objects, scenes.clutter)]
    return "\n".join(
        [
            f"{title} {stage.verdict.upper()}",
            "",
            MEANING[stage.verdict],
            f"Mean share on the object {mean:.3f}, {interval}; {must}." if mean == mean else none,
            *[f"{stage.undefined} of {stage.total} maps are undefined, and left out."] * (stage.undefined > 0),
            "",
            f"{'on':10}  {'mass':>6}  {'by chance':>9}  0{'mass':^{BAR - 1}}1",
            _row("the object", found.on_object, chance[0]),
            _row("clutter", found.on_clutter, chance[1]),
            "",
            "Share on the object: mass on the object / (mass on the object + mass on clutter); a fourth by chance.",
            "Mass: the share of a map's absolute values.",
            f"Measured on {measured.images} scenes, seed {measured.seed}; the true class is explained.",
        ]
    )


def _row(where: str, masses: Masses, chance: float) -> str:
    mean = masses.mean
    number = f"{mean:6.3f}" if mean == mean else f"{'-':>6}"
    return f"{where:10}  {number}  {chance:9.3f}  {bar(mean, chance)}"
