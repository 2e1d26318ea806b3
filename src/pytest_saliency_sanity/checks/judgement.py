"""The common part of every check that asks an SRC to stay below or above a threshold: measure, judge, explain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from .measurement import At
from .message import BELOW, Words, explain
from .profile import SrcProfile
from .verdict import StageVerdict, decisive, judge_stages


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

    Where they do not pass, every stage is measured for the message, so that a reader sees where the cascade stands.
    """
    profile = measure(at)
    judged = judge_stages(profile, threshold, confidence, above=above)
    deciding = decisive(judged)
    enough = deciding.verdict == "passed" or set(every) == set(profile.stages)
    cascade = profile if enough else measure("every")
    message = explain(title, deciding, judged, cascade, confidence, words)
    return Judgement(judged, deciding, profile, message)
