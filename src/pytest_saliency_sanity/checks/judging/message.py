"""Explains a verdict on SRCs in words, for a reader who has never seen this project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...foundation.limits import LEAST_IMAGES
from ...measuring.profile import SrcProfile
from ..registry import MEAN_SRC, SIMILARITY
from .result import Finding, Measured, StageVerdict, decisive
from .verdict import LEAST_DEFINED, interval_of

BAR = 20
NAMES = {SIMILARITY: "similarity", MEAN_SRC: "mean SRC"}


class Words(NamedTuple):
    """The words of a check: if it passed, if it failed, and which maps the SRC compares. ``{stage}`` is filled in."""

    passed: str
    failed: str
    compared: str = "of the map before and after, image by image"
    note: str = "; the class explained stays the same at every stage"


BELOW = Words(
    passed="No evidence of insensitivity: at {stage} the maps have changed.",
    failed="Insensitive: at {stage} the maps are still alike, though what was learned is gone from there.",
)


def explain(
    title: str,
    stages: Sequence[StageVerdict],
    cascade: SrcProfile,
    measured: Measured,
    words: Words = BELOW,
    quantity: str = SIMILARITY,
    findings: Sequence[Finding] = (),
    *,
    total: int,
    level: float | None = None,
    more: str = "",
) -> str:
    """Return the whole message: what was asked and found, and the judged quantity at every stage.

    ``stages``: those that were judged. ``cascade``: the profile of the stages to show, judged or not. ``quantity``:
    what was judged. ``total``: the number of all stages. ``level``: the confidence of each interval, if several looks
    share that of the verdict. ``more``: how to ask for more, if fewer explanations than usual were asked for.
    """
    deciding = decisive(stages)
    similarity = "\nSimilarity: the mean of |SRC|: 1 the same picture or its negative." * (quantity == SIMILARITY)
    return "\n".join(
        [
            f"{title}: {cascade.method} on {cascade.model} {deciding.verdict.upper()}",
            "",
            finding(deciding, words),
            figures(deciding, measured, quantity),
            *(f"A finding: {each.text} ({each.figure})." for each in findings),
            *undefined_causes(deciding, cascade),
            *filter(None, [more]),
            "",
            *stage_table(cascade, stages, level or measured.confidence, quantity),
            *([f"{len(cascade.stages)} of {total} stages are shown."] if 1 < len(cascade.stages) < total else []),
            "",
            f"SRC: Spearman's rank correlation {words.compared}: 1 the same order of pixels, 0 unrelated.{similarity}",
            f"Measured on {measured.images} images x {measured.draws} random draw{'s' * (measured.draws > 1)}, "
            f"seed {cascade.seed}{words.note}.",
        ]
    )


def finding(deciding: StageVerdict, words: Words) -> str:
    """Return the meaning of the verdict in words."""
    stage = deciding.stage
    return {
        "passed": words.passed.format(stage=stage),
        "failed": words.failed.format(stage=stage),
        "inconclusive": f"Inconclusive: the interval straddles the threshold at {stage}. More images narrow it.",
        "undefined": f"Undefined: too few SRCs are defined at {stage} to say anything (at least {LEAST_IMAGES} images "
        f"and {LEAST_DEFINED:.0%} of all SRCs are needed).",
    }[deciding.verdict]


def figures(deciding: StageVerdict, measured: Measured, quantity: str) -> str:
    """Return a line with the judged quantity, its interval and the threshold."""
    mean, low, high = deciding.interval
    must = f"it must stay {deciding.must_be}"
    maps = "the magnitudes of maps" if measured.maps == "magnitudes" else f"maps {measured.maps}"
    name = NAMES.get(quantity, quantity)
    if mean != mean:
        return f"No SRC of {maps} is defined; {must}."
    return (
        f"{name[0].upper()}{name[1:]} of {maps} {mean:.3f}, "
        f"{measured.confidence * 100:g}% interval {low:.3f} to {high:.3f}; {must} with its whole interval."
    )


def undefined_causes(deciding: StageVerdict, cascade: SrcProfile) -> list[str]:
    """Return a line that counts the undefined SRCs by cause, or no line if there are none."""
    if not deciding.undefined:
        return []
    causes = ", ".join(f"{cause} {count}" for cause, count in cascade.causes_at(deciding.stage).items())
    return [f"{deciding.undefined} of {deciding.total} SRCs are undefined ({causes})."]


def stage_table(
    cascade: SrcProfile, judged: Sequence[StageVerdict], confidence: float, quantity: str = SIMILARITY
) -> list[str]:
    """Return a line for every stage, with its quantity, a bar from 0 to 1, and the threshold if the stage is judged."""
    verdicts = {each.stage: each for each in judged}
    width = max(len("stage"), *(len(stage) for stage in cascade.stages))
    lines = [f"{'stage':{width}}  {NAMES.get(quantity, quantity):>10}  {'interval':>16}  undefined  0{'':{BAR - 1}}1"]
    for stage in cascade.stages:
        mean, low, high = interval_of(cascade.at(stage), confidence=confidence, quantity=quantity)
        numbers = f"{mean:10.3f}  {low:6.3f} to {high:6.3f}" if mean == mean else f"{'-':>10}  {'-':>16}"
        undefined = f"{cascade.undefined(stage)}/{cascade.at(stage).size}"
        judgement = verdicts.get(stage)
        mark = f"  <- {judgement.verdict}: must stay {judgement.must_be}" if judgement else ""
        if mean != mean:
            mark += f"  ({', '.join(map(str, cascade.causes_at(stage)))})"
        threshold = judgement.threshold if judgement else None
        lines.append(f"{stage:{width}}  {numbers}  {undefined:>9}  {bar(mean, threshold)}{mark}")
    return lines


def bar(mean: float, threshold: float | None) -> str:
    """Return a value as a text bar from 0 to 1, with ``|`` at the threshold, if there is one; empty below 0."""
    filled = 0 if mean != mean else round(max(0.0, mean) * BAR)
    cells = ["#"] * filled + ["."] * (BAR - filled)
    cells.insert(BAR if threshold is None else round(threshold * BAR), " " if threshold is None else "|")
    return "".join(cells).rstrip()
