"""What is shown of a measurement besides its verdict: the whole cascade, values image by image, and a few maps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import ceil

import numpy as np

from ...foundation.limits import LEAST_IMAGES
from ...measuring.looks import Look
from ...measuring.mass import Masses
from ...measuring.profile import TRAINED, SrcProfile
from ...measuring.src import SrcMeasurement
from ..registry import IMAGES, SIMILARITY
from .evidence import Evidence, Point
from .verdict import interval_of

# Else a network of a hundred layers would be measured for an hour, only to explain a verdict that is known already.
MOST_SHOWN = 12
# To show what a verdict needs no explanation for, so little that a report costs a sixth of a run at most.
MOST_ILLUSTRATED = 4

Profiles = tuple[SrcProfile, ...]


def profiles_to_explain(measurement: SrcMeasurement, judged: Profiles, every: Collection[str]) -> Profiles:
    """Return the profiles of the stages that explain why a verdict is not that all passed.

    ``judged``: the profiles that were judged, of maps with signs and by magnitude. ``every``: the names of all stages.
    The judged stages and up to ``MOST_SHOWN`` others, evenly spread, are measured, on as many images and draws as the
    verdict took, but not more than fit into the table that is usual.
    """
    if set(every) == set(judged[0].stages):
        return judged
    draws, _, images = judged[0].src.shape
    look = Look(min(images, IMAGES), min(draws, measurement.seeds))
    return _measured(measurement, stages_to_show(every, judged[0].stages), look)


def profiles_to_illustrate(measurement: SrcMeasurement, judged: Profiles, every: Collection[str]) -> Profiles:
    """Return the profiles of up to ``MOST_ILLUSTRATED`` stages that were not judged: ten images, one draw.

    They decide nothing. With one draw their interval is over images only, so little is measured for a lot to see.
    """
    known = judged[0].stages
    others = tuple(stage for stage in stages_to_show(every, known, MOST_ILLUSTRATED) if stage not in known)
    return _measured(measurement, others, Look(min(len(measurement.images), LEAST_IMAGES), 1)) if others else ()


def _measured(measurement: SrcMeasurement, stages: Sequence[str], look: Look) -> Profiles:
    (profiles,) = measurement.growing(stages, (look,))
    return profiles


def stages_to_show(every: Collection[str], judged: Collection[str], most: int = MOST_SHOWN) -> tuple[str, ...]:
    """Return the stages to show, in order: the judged ones, and at most ``most`` of the others."""
    others = [stage for stage in every if stage not in judged]
    step = max(1, ceil(len(others) / most))
    return tuple(stage for stage in every if stage in judged or stage in others[::step])


def curve_of(measured: Sequence[Profiles], every: Collection[str], quantity: str, confidence: float) -> list[Point]:
    """Return the judged quantity at every stage that was measured, by sign and in the order of ``every``.

    ``measured``: profiles by preference: a stage is taken from the first that has it.
    """
    return [point_of(profile, stage, quantity, confidence) for profile, stage in _stages_of(measured, every)]


def point_of(profile: SrcProfile, stage: str, quantity: str, confidence: float) -> Point:
    """Return the judged quantity at a stage of a profile."""
    values = profile.at(stage)
    judged = np.abs(values) if quantity == SIMILARITY else values
    return Point(
        stage=stage,
        quantity=quantity,
        sign=profile.sign,
        interval=interval_of(values, confidence=confidence, quantity=quantity),
        by_draw=tuple(float(np.nanmean(draw)) if np.isfinite(draw).any() else None for draw in judged),
        images=values.shape[1],
        draws=values.shape[0],
        undefined=profile.undefined(stage),
        dead=profile.dead(stage),
    )


def point_of_masses(masses: Masses, stage: str, quantity: str, confidence: float) -> Point:
    """Return the mean of masses as a point of a bar."""
    return Point(
        stage=stage,
        quantity=quantity,
        sign="absolute",
        interval=masses.interval(confidence),
        images=len(masses),
        undefined=masses.undefined,
    )


def evidence_of(measured: Sequence[Profiles], every: Collection[str]) -> Evidence:
    """Return the SRCs image by image, and the maps of the first images, at every stage that was measured."""
    values: dict[str, dict[str, np.ndarray]] = {}
    maps = {TRAINED: measured[0][0].maps[TRAINED]}
    for profile, stage in _stages_of(measured, every):
        values.setdefault(profile.sign, {})[stage] = profile.at(stage)
        if stage in profile.maps:
            maps.setdefault(stage, profile.maps[stage])
    return Evidence(values, maps, measured[0][0].pictures)


def _stages_of(measured: Sequence[Profiles], every: Collection[str]) -> Iterator[tuple[SrcProfile, str]]:
    for index in range(max(map(len, measured))):
        of_a_sign = [profiles[index] for profiles in measured if index < len(profiles)]
        for stage in every:
            having = [profile for profile in of_a_sign if stage in profile.stages]
            if having:
                yield having[0], stage
