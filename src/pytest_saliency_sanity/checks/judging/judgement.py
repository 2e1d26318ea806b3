"""The common part of every check that asks an SRC to stay below or above a threshold: measure, judge, explain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import ceil

from ...measuring.profile import SrcProfile
from ...measuring.src import At
from .message import BELOW, Words, explain
from .verdict import StageVerdict, decisive, judge_stages

# A network of a hundred layers would otherwise be measured for an hour, to explain a verdict that is known.
MOST_SHOWN = 12


@dataclass(frozen=True)
class Judgement:
    """The verdicts on the stages that were judged, the one that decides, their profile, and what to tell the reader."""

    judged: list[StageVerdict]
    deciding: StageVerdict
    profile: SrcProfile
    message: str


def judge_src(
    title: str,
    measure: Callable[[At], SrcProfile],
    *,
    at: At,
    threshold: float | Mapping[str, float],
    confidence: float = 0.95,
    above: bool = False,
    words: Words = BELOW,
    every: Collection[str] = (),
) -> Judgement:
    """Judge the stages that ``at`` means, of what ``measure`` gives for them, by one threshold or one for each stage.

    ``above``: whether the SRC must stay above it, and not below. ``words``: what the verdicts mean to a reader.
    ``every``: the names of all stages that there are, if they are known.

    Where they do not pass, more stages are measured for the message, so that a reader sees where the cascade stands:
    all of them, or of many the judged ones and ``MOST_SHOWN`` others, evenly spread.
    """
    profile = measure(at)
    judged = judge_stages(profile, threshold, confidence, above=above)
    deciding = decisive(judged)
    enough = deciding.verdict == "passed" or set(every) == set(profile.stages)
    cascade = profile if enough else measure(shown(every, profile.stages) if every else "every")
    message = explain(title, deciding, judged, cascade, confidence, words, stages=len(every) or len(cascade.stages))
    return Judgement(judged, deciding, profile, message)


def shown(every: Collection[str], judged: Collection[str]) -> tuple[str, ...]:
    """Return the stages to show of all, in order: the judged ones, and at most ``MOST_SHOWN`` of the others."""
    others = [stage for stage in every if stage not in judged]
    step = max(1, ceil(len(others) / MOST_SHOWN))
    return tuple(stage for stage in every if stage in judged or stage in others[::step])
