"""Detection of a bias that a model learned from its data (the paper, section 4.3 and figure 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...data.bias_scenario import BiasScenario
from ...foundation.progress import expect
from ...foundation.randomness import derived_seed
from ...measuring.interval import Interval
from ...measuring.localization import mass_inside
from ...measuring.looks import Look, Looking, has_few_images
from ...measuring.mass import Masses, maps_to_weigh, predictions
from ...measuring.pictures import maps_to_keep, pictures_of
from ...measuring.statistics import mean_interval
from ...methods.protocol import SaliencyMethod
from ..judging.evidence import Evidence, Point
from ..judging.message import BAR, bar
from ..judging.result import CheckResult, Figure, Finding, Measured, StageVerdict, Verdict
from ..judging.showing import point_of_masses
from ..judging.subject import Subject
from ..judging.verdict import SURE, judge_look
from ..registry import IMAGES
from . import CHECK

(STAGE,) = CHECK.thresholds
MEANING = {
    "passed": "The bias shows: the maps lie on the nuisance more for the biased model than for the balanced one.",
    "failed": "Blind to the bias: the maps lie on the nuisance as much for the balanced model as for the biased one.",
    "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
    "undefined": "Undefined: too few maps are finite and not 0 everywhere to say anything.",
}


@dataclass(frozen=True, eq=False)
class BiasMasses:
    """The mass of a method's maps on the nuisance, for a biased and for a balanced model, image by image.

    ``stage``: the verdict on the mean of the differences ``biased`` - ``balanced``. ``maps``: those of the first
    images, by the name of the model.
    """

    biased: Masses
    balanced: Masses
    stage: StageVerdict
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def drop(self) -> Masses:
        """The difference in mass, biased less balanced, image by image."""
        return self.biased - self.balanced

    @property
    def interval(self) -> Interval:
        """The mean drop and its confidence interval over images."""
        return self.stage.interval

    @property
    def verdict(self) -> Verdict:
        """The verdict on the mean drop."""
        return self.stage.verdict


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check; ``needs["bias_scenario"]`` has the two models, images and masks."""
    return check_bias_detection(subject, needs["bias_scenario"], threshold=threshold)


def check_bias_detection(subject: Subject, scenario: BiasScenario, *, threshold: float | None = None) -> CheckResult:
    """Compare how much of the maps lies on the nuisance for a biased model and for a balanced one.

    The method of ``subject`` explains the models and images of ``scenario``: for each model the class that it predicts,
    unless the batch has targets. Passed if the mean over images of mass(biased) - mass(balanced) is above
    ``threshold``, by default that of the scenario, else the calibrated one, with its whole interval.

    It is a finding if the maps of the balanced model lie on the nuisance more than a constant map would, with the whole
    interval: a false alarm (Adebayo et al. 2022, arXiv:2212.04629), since that model has no use for it.

    Raises SaliencyMethodError if the method raises or does not return maps.
    """
    (limit,) = CHECK.judged_by(scenario.threshold if threshold is None else threshold).values()
    seed = derived_seed(subject.seed, CHECK.name, subject.model_name)
    name = f"{subject.method_name} on {subject.model_name}"
    confidence = subject.reading.confidence
    count = len(scenario.batch)
    looking = subject.looking(1, images=count)
    masses = bias_masses(subject.method, scenario, limit, confidence, name=name, seed=seed, looking=looking)
    explained = len(masses.biased)
    findings = false_alarms(masses.balanced, scenario.nuisance_masks[:explained].double().mean().item(), confidence)
    return CheckResult(
        check=CHECK.name,
        method=subject.method_name,
        model=subject.model_name,
        verdict=masses.verdict,
        message="\n".join(
            [
                explain(f"{CHECK.name}: {name}", scenario, masses, limit, confidence, subject.seed),
                *(f"\nA finding: {each.text}. {each.figure}" for each in findings),
                *filter(None, [subject.to_ask_for_more(masses.verdict) if looking.short else ""]),
            ]
        ),
        measured=Measured(
            subject.seed,
            "absolute",
            images=explained,
            looks=[look.images for look in looking.looks].index(explained) + 1,
            draws=1,
            confidence=confidence,
            chance=0.0,  # the same mass for both models
            figures=tuple(
                Figure(f"mass on the nuisance, {kind}", found.mean)
                for kind, found in (("biased", masses.biased), ("balanced", masses.balanced))
                if found.undefined < len(found)
            ),
        ),
        stages=(masses.stage,),
        findings=findings,
        curve=tuple(points_of(masses, confidence)),
        evidence=Evidence(
            {"absolute": {"biased": masses.biased.values[None], "balanced": masses.balanced.values[None]}},
            masses.maps,
            pictures_of(scenario.batch.images),
        ),
    )


def points_of(masses: BiasMasses, confidence: float) -> Iterator[Point]:
    """Yield the mean mass on the nuisance for each of the two models."""
    for kind, found in (("biased", masses.biased), ("balanced", masses.balanced)):
        yield point_of_masses(found, kind, "mass on the nuisance", confidence)


def false_alarms(balanced: Masses, chance: float, confidence: float) -> tuple[Finding, ...]:
    """Return the finding that maps of a balanced model lie on the nuisance more than ``chance``, or nothing."""
    mean, low, _ = balanced.interval(confidence)
    if not low > chance:
        return ()
    text = "the balanced network's maps lie on the nuisance more than chance"
    return (Finding(text, f"{mean:.3f} of the mass, {chance:.3f} by chance"),)


def bias_masses(
    method: SaliencyMethod,
    scenario: BiasScenario,
    threshold: float,
    confidence: float = 0.95,
    *,
    name: str,
    seed: int,
    looking: Looking | None = None,
) -> BiasMasses:
    """Measure the masses on the nuisance and judge their drop. Both models get the same random numbers.

    ``looking``: how many images are looked at, one look after the other, until the verdict is sure; by default all at
    once.
    """
    looks, level, _ = looking or Looking((Look(len(scenario.batch), 1),), confidence)
    models = {"biased": scenario.biased_model, "balanced": scenario.balanced_model}
    found = dict.fromkeys(models, Masses(np.empty(0)))
    kept: dict[str, np.ndarray] = {}
    for look in looks:
        expect(len(models) * (look.images - len(found["biased"])))
        for kind, model in models.items():
            some = slice(len(found[kind]), look.images)
            maps = maps_to_weigh(method, model, scenario.batch, some, name=f"{name}, {kind}", seed=seed)
            kept.setdefault(kind, maps_to_keep(maps, "signed"))
            more = Masses(mass_inside(maps, scenario.nuisance_masks[some]).numpy())
            found[kind] = found[kind].followed_by(more)
        drop = found["biased"] - found["balanced"]
        few = has_few_images(look, looks)
        interval = partial(mean_interval, confidence=level)
        stage = judge_look(STAGE, drop.values[None], interval, threshold, above=True, few=few)
        if stage.verdict in SURE or (stage.verdict == "undefined" and look.images >= IMAGES):
            break
    return BiasMasses(found["biased"], found["balanced"], stage, kept)


def explain(
    title: str, scenario: BiasScenario, masses: BiasMasses, threshold: float, confidence: float, seed: int
) -> str:
    """Return the whole message: what was asked and found, and the masses for both models."""
    mean, low, high = masses.interval
    count = len(masses.biased)
    must = f"it must stay above {threshold:g} with its whole interval"
    interval = f"{confidence * 100:g}% interval {low:.3f} to {high:.3f}"
    found = (
        f"Mean drop of the mass on the nuisance {mean:.3f}, {interval}; {must}."
        if mean == mean
        else f"No image has maps of both models that are finite and not 0 everywhere, so there is no drop; {must}."
    )
    return "\n".join(
        [
            f"{title} {masses.verdict.upper()}",
            "",
            MEANING[masses.verdict],
            found,
            "",
            f"{'model':8}  {'mass':>6}  {'interval':>16}  undefined  0{'mass':^{BAR - 1}}1",
            _row("biased", masses.biased, confidence),
            _row("balanced", masses.balanced, confidence),
            "",
            "Mass: the share of a map's absolute values that lies on the nuisance, image by image.",
            f"Measured on {count} images, seed {seed}; {_class_explained(scenario, count)}.",
        ]
    )


def _row(model: str, masses: Masses, confidence: float) -> str:
    mean, low, high = masses.interval(confidence)
    numbers = f"{mean:6.3f}  {low:6.3f} to {high:6.3f}" if mean == mean else f"{'-':>6}  {'-':>16}"
    return f"{model:8}  {numbers}  {f'{masses.undefined}/{len(masses)}':>9}  {bar(mean, None)}"


def _class_explained(scenario: BiasScenario, count: int) -> str:
    if scenario.batch.targets is not None:
        return "both models explain the batch's targets"
    images = scenario.batch.images[:count]
    alike = predictions(scenario.biased_model, images).cpu() == predictions(scenario.balanced_model, images).cpu()
    return f"each model explains the class that it predicts, the same one for {alike.double().mean():.0%} of the images"
