"""Explains a network of which it is known that some pixels do not matter (after Rao et al. 2022, arXiv:2205.10435)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from ...foundation.inference import evaluation_mode, logits_of
from ...foundation.progress import expect
from ...foundation.randomness import derived_seed
from ...interventions.null_region import random_mask, with_null_region
from ...measuring.localization import are_enlarged, mass_outside
from ...measuring.looks import Look, has_few_images
from ...measuring.maps import maps_of, reduced
from ...measuring.pictures import maps_to_keep, pictures_of
from ...measuring.statistics import mean_interval
from ..judging.evidence import Evidence
from ..judging.message import bar
from ..judging.result import CheckResult, Figure, Measured, StageVerdict
from ..judging.subject import Subject
from ..judging.verdict import SURE, judge_look
from ..registry import IMAGES
from . import CHECK

# Each draw is a mask, and the same mask turned inside out. So a map that does not depend on the network has exactly
# half of its mass outside on average, wherever its image has its content.
# Masks differ more than images do.
DRAWS = 8
(STAGE,) = CHECK.thresholds
BEHIND = "behind a mask"
COARSE = "Only cells of the map that lie wholly outside count; a finding, since its layer sees past its cells."
ENLARGED = "The maps were enlarged from coarser ones; a finding, since their layer sees past its cells."
MEANING = {
    "passed": "The maps lie where the network looks: next to nothing is attributed to pixels that it does not see.",
    "failed": "The maps show what the network does not see: pixels that provably do not matter are attributed to.",
    "inconclusive": "Inconclusive: the interval straddles the threshold. More images narrow it.",
    "undefined": "Undefined: too few maps are finite and not 0 everywhere to say anything.",
}


def ask(subject: Subject, needs: Mapping[str, Any], variant: str, threshold: float | None) -> CheckResult:
    """Run the check."""
    return check_null_region(subject, threshold=threshold)


def check_null_region(subject: Subject, *, threshold: float | None = None) -> CheckResult:
    """Measure which share of a map's magnitude lies on pixels that the network does not see.

    The model sees x * M + 0 * (1 - M) for eight random masks M of about half of the image, and for 1 - M. Passed if the
    mean share that the model does not see stays below ``threshold``, by default the calibrated one, with its whole
    interval over images and masks. The class explained is the batch's target, or by default the one that the model
    behind the mask predicts.

    Of a map that is coarser than the image, or was enlarged from such a one, the verdict is a finding: a layer's
    features do see past their cell. Of the former, only the cells that lie wholly outside count. Raises
    SaliencyMethodError if the method raises or does not return maps.
    """
    (limit,) = CHECK.judged_by(threshold).values()
    reading = subject.reading
    images = subject.original.images
    looks, level, short = subject.looking(DRAWS)
    interval = partial(mean_interval, confidence=level, least=0.0)
    for look, (shares, maps, shown) in zip(looks, outside(subject, images, looks), strict=True):  # noqa: B007
        stage = judge_look(STAGE, shares, interval, limit, above=CHECK.above, few=has_few_images(look, looks))
        height, width = maps.shape[1:]
        coarse = height < images.shape[2] or width < images.shape[3]
        enlarged = not coarse and are_enlarged(maps)
        usual = look.images >= IMAGES  # a finding takes no more, and neither do undefined maps
        if stage.verdict in SURE or (usual and (coarse or enlarged or stage.verdict == "undefined")):
            break
    figures = (Figure("size of the maps", f"{height}x{width}{', enlarged' * enlarged}"),)
    draws, count = shares.shape
    measured = Measured(
        subject.seed,
        "absolute",
        images=count,
        draws=draws,
        looks=looks.index(look) + 1,
        confidence=reading.confidence,
        chance=0.5,  # half of the mass, since each mask is also taken inside out
        figures=figures,
    )
    return CheckResult(
        check=CHECK.name,
        method=subject.method_name,
        model=subject.model_name,
        verdict=stage.verdict,
        message=explain(
            f"{CHECK.name}: {subject.method_name} on {subject.model_name}",
            stage,
            measured,
            COARSE if coarse else ENLARGED * enlarged,
            subject.to_ask_for_more(stage.verdict) if short else "",
        ),
        measured=measured,
        stages=(stage,),
        finding=coarse or enlarged,
        evidence=Evidence({"absolute": {STAGE: shares}}, {BEHIND: shown.maps}, shown.pictures),
    )


class Shown(NamedTuple):
    """What is kept for the eye: the maps behind the first mask, and what is left of the first images there."""

    maps: np.ndarray
    pictures: np.ndarray


def outside(
    subject: Subject, images: torch.Tensor, looks: Sequence[Look]
) -> Iterator[tuple[np.ndarray, torch.Tensor, Shown]]:
    """Yield for each look the share of mass outside of a mask, by mask and image ``(draws, N)``, and the last maps.

    It is the mean of the two that a mask and its reverse give, NaN if one of them is undefined. What is kept of the
    first maps comes third.
    """
    shown = None
    height, width = images.shape[2:]
    shares = np.zeros((looks[-1].draws, looks[-1].images))
    known = [0] * len(shares)
    for look in looks:
        expect(2 * sum(look.images - each for each in known[: look.draws]))
        for draw in range(look.draws):
            seed = derived_seed(subject.seed, CHECK.name, subject.model_name, draw)
            mask = random_mask(height, width, torch.Generator("cpu").manual_seed(seed))
            rows = slice(known[draw], look.images)
            for inside in (mask, ~mask) if known[draw] < look.images else ():
                maps = maps_behind(inside, subject, images, rows, seed)
                shown = shown or Shown(maps_to_keep(maps, "signed"), pictures_of(images * inside.to(images.device)))
                shares[draw, rows] += mass_outside(maps, inside).numpy() / 2
            known[draw] = look.images
        assert shown is not None
        yield shares[: look.draws, : look.images], reduced(maps, "signed"), shown


def maps_behind(inside: torch.Tensor, subject: Subject, images: torch.Tensor, rows: slice, seed: int) -> torch.Tensor:
    """Return the method's maps of some of the images for the model behind a mask."""
    model = with_null_region(subject.model, inside)
    some, targets = images[rows], subject.most.targets
    targets = logits_of(model, some).argmax(1) if targets is None else targets[rows].to(some.device)
    name = f"{subject.method_name} on {subject.model_name}, behind a mask"
    with evaluation_mode(model):
        return maps_of(subject.method, model, some, targets, name=name, seed=seed, first=rows.start)


def explain(title: str, stage: StageVerdict, measured: Measured, *notes: str) -> str:
    """Return the whole message: what was asked and found."""
    mean, low, high = stage.interval
    must = f"it must stay below {stage.threshold:g} with its whole interval"
    found = f"Mean mass outside {mean:.3f}, {measured.confidence * 100:g}% interval {low:.3f} to {high:.3f}; {must}."
    return "\n".join(
        [
            f"{title} {stage.verdict.upper()}",
            "",
            MEANING[stage.verdict],
            found if mean == mean else f"No map is finite and not 0 everywhere, so there is no mass; {must}.",
            f"0 {bar(mean, stage.threshold)} 1",
            *[f"{stage.undefined} of {stage.total} maps are undefined, and left out."] * (stage.undefined > 0),
            *filter(None, notes),
            "",
            "Mass outside: the share of a map's absolute values on pixels that are replaced by 0 before the network "
            "sees the image. It can't depend on them.",
            f"Measured on {measured.images} images x {measured.draws} masks of about half of the image, each of them "
            f"also inside out, maps of {measured.figure('size of the maps')}, seed {measured.seed}.",
        ]
    )
