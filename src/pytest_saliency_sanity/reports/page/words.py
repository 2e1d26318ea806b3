"""What the page says of a result in sentences: the rule, what was measured, how sure it is, what chance gives."""

from __future__ import annotations

import re
from math import isfinite

from ...checks.judging.evidence import Evidence
from ...checks.judging.result import CheckResult, StageVerdict
from ...checks.judging.verdict import LEAST_DEFINED
from ...checks.registry import MEAN_SRC, SIMILARITY
from ...foundation.limits import LEAST_IMAGES
from ...measuring.pictures import LARGEST
from ..record import Record
from .rows import interval_of, number

FAR = 100  # half-widths; further away, the number says nothing more
BAR = re.compile(r"0 [#.|]+ *1?")  # of a message for a terminal


def number_of(stage: StageVerdict) -> str:
    """Return the number of a stage with its interval; empty if nothing is defined."""
    return f"{number(stage.interval.mean)} [{interval_of(stage.interval)}]" if stage.interval.defined else ""


def rule_of(result: CheckResult, judged: StageVerdict) -> str:
    """Return what the question demands."""
    confidence = f"{result.measured.confidence * 100:g}"
    return f"the {result.quantity} must stay {judged.must_be}, with its whole {confidence} % interval"


def meaning_of(record: Record) -> str:
    """Return what the verdict means, in the words of the check; why there is none, or why it was not enough."""
    result = record.result
    if result is None or result.not_asked:
        return record.reason or (result.not_asked if result else "")
    paragraphs = result.message.split("\n\n")
    lines = paragraphs[1].split("\n") if result.stages and len(paragraphs) > 1 else []
    told = [line for line in lines if not BAR.fullmatch(line) and not line.startswith("A finding: ")]
    return "\n".join(filter(None, [record.reason, *told]))


def measured_of(result: CheckResult) -> list[str]:
    """Return what was measured at each stage that was judged, the one that decides first."""
    others = [stage for stage in result.stages if stage != result.deciding]
    stages = [*([result.deciding] if result.deciding else []), *others]
    return [
        f"{number_of(stage) or 'none defined'} at {stage.stage}: {stage.verdict}{_if_not(stage, result)}"
        for stage in stages
    ]


def _if_not(stage: StageVerdict, result: CheckResult) -> str:
    """Return the rule of a stage if it is another than that of the deciding one."""
    same = result.deciding and stage.must_be == result.deciding.must_be
    return "" if same else f" (must stay {stage.must_be})"


def undefined_of(result: CheckResult) -> str:
    """Return how much is undefined at the stages that were judged, and how much may be; empty if nothing is."""
    told = [f"{stage.undefined} of {stage.total} at {stage.stage}" for stage in result.stages if stage.undefined]
    if not told:
        return ""
    return f"{', '.join(told)}; a verdict needs {LEAST_DEFINED:.0%} of all, and {LEAST_IMAGES} images"


def certainty_of(result: CheckResult, judged: StageVerdict) -> str:
    """Return how sure the verdict is, and what it rests on."""
    measured = result.measured
    looks = f"after {measured.looks} look{'s' * (measured.looks > 1)}"
    taken = f"{measured.images} images x {measured.draws} draw{'s' * (measured.draws > 1)}, {looks}"
    if judged.margin is None:
        return taken
    where = "inside" if judged.margin >= 0 else "outside"
    distance = f"more than {FAR}" if abs(judged.margin) > FAR else f"{abs(judged.margin):.1f}"
    return f"{distance} half-widths of the interval {where} the threshold; {taken}"


def chance_of(result: CheckResult, judged: StageVerdict | None) -> str:
    """Return what maps score that show nothing of the network."""
    chance = result.measured.chance
    if chance is None or not isfinite(chance):
        return ""
    if result.quantity not in (SIMILARITY, MEAN_SRC):
        return f"a map of random numbers scores {chance:.2f} on average"
    text = f"two maps of random numbers score {chance:.2f} on average"
    passes = ", and passes" if judged and judged.above else ""
    return f"{text}; a map that ignores what was changed scores 1{passes}"


def size_of(evidence: Evidence | None) -> str:
    """Return the size of the maps; empty if it is not known, as of maps that were made smaller to be kept."""
    sizes = {each.shape[1:] for each in evidence.maps.values()} if evidence else set()
    if len(sizes) != 1 or max(max(size) for size in sizes) >= LARGEST:
        return ""
    ((height, width),) = sizes
    return f"{height} x {width} values"
