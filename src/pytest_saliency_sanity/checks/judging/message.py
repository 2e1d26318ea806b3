"""Explains a verdict on SRCs in words, for a reader who has never seen this project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...foundation.limits import LEAST_IMAGES
from ...measuring.profile import SrcProfile
from .result import StageVerdict, decisive
from .verdict import LEAST_DEFINED

BAR = 20


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
    confidence: float,
    words: Words = BELOW,
    *,
    total: int,
) -> str:
    """Return the whole message: what was asked and found, and the SRC at every stage.

    ``stages``: those that were judged. ``cascade``: the profile of the stages to show, judged or not. ``total``: the
    number of all stages.
    """
    deciding = decisive(stages)
    draws, _, images = cascade.src.shape
    return "\n".join(
        [
            f"{title}: {cascade.method} on {cascade.model} {deciding.verdict.upper()}",
            "",
            finding(deciding, words),
            figures(deciding, cascade.sign, confidence),
            *undefined_causes(deciding, cascade),
            "",
            *stage_table(cascade, stages, confidence),
            *([f"{len(cascade.stages)} of {total} stages are shown."] if 1 < len(cascade.stages) < total else []),
            "",
            f"SRC: Spearman's rank correlation {words.compared}: 1 the same order of pixels, 0 unrelated.",
            f"Measured on {images} images x {draws} random draw{'s' * (draws > 1)}, seed {cascade.seed}{words.note}.",
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


def figures(deciding: StageVerdict, sign: str, confidence: float) -> str:
    """Return a line with the mean SRC, its interval and the threshold."""
    mean, low, high = deciding.interval
    must = f"{'mean SRC' if deciding.above else '|mean SRC|'} must stay {side(deciding)}"
    if mean != mean:
        return f"No SRC of {sign} maps is defined; {must}."
    return (
        f"Mean SRC of {sign} maps {mean:.3f}, {confidence * 100:g}% interval {low:.3f} to {high:.3f}; "
        f"{must} with its whole interval."
    )


def side(judged: StageVerdict) -> str:
    """Return on which side of the threshold the SRC must stay."""
    return f"{'above' if judged.above else 'below'} {judged.threshold:g}"


def undefined_causes(deciding: StageVerdict, cascade: SrcProfile) -> list[str]:
    """Return a line that counts the undefined SRCs by cause, or no line if there are none."""
    if not deciding.undefined:
        return []
    causes = ", ".join(f"{cause} {count}" for cause, count in cascade.causes_at(deciding.stage).items())
    return [f"{deciding.undefined} of {deciding.total} SRCs are undefined ({causes})."]


def stage_table(cascade: SrcProfile, judged: Sequence[StageVerdict], confidence: float) -> list[str]:
    """Return a line for every stage, with its SRC, a bar from 0 to 1, and the threshold if the stage is judged."""
    verdicts = {each.stage: each for each in judged}
    width = max(len("stage"), *(len(stage) for stage in cascade.stages))
    lines = [f"{'stage':{width}}  mean SRC  {'interval':>16}  undefined  0{'|SRC|':^{BAR - 1}}1"]
    for stage in cascade.stages:
        mean, low, high = cascade.interval(stage, confidence)
        numbers = f"{mean:8.3f}  {low:6.3f} to {high:6.3f}" if mean == mean else f"{'-':>8}  {'-':>16}"
        undefined = f"{cascade.undefined(stage)}/{cascade.at(stage).size}"
        judgement = verdicts.get(stage)
        mark = f"  <- {judgement.verdict}: must stay {side(judgement)}" if judgement else ""
        if mean != mean:
            mark += f"  ({', '.join(map(str, cascade.causes_at(stage)))})"
        threshold = judgement.threshold if judgement else None
        lines.append(f"{stage:{width}}  {numbers}  {undefined:>9}  {bar(mean, threshold)}{mark}")
    return lines


def bar(mean: float, threshold: float | None) -> str:
    """Return |mean| as a text bar from 0 to 1, with ``|`` at the threshold, if there is one."""
    filled = 0 if mean != mean else round(abs(mean) * BAR)
    cells = ["#"] * filled + ["."] * (BAR - filled)
    cells.insert(BAR if threshold is None else round(threshold * BAR), " " if threshold is None else "|")
    return "".join(cells).rstrip()
