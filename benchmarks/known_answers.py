"""Put methods of many libraries to every check on all networks, and write the tables of docs/known-answers.md.

    python benchmarks/known_answers.py [--records FILE] [--processes N]

Each answer is the one that a user gets: it takes images and draws until it is sure, and fewer if an explanation takes
long, which the tables then say. FILE keeps the answers, and docs/leaderboard/maps a few maps of each, so that an
interrupted run goes on where it stopped. The libraries must be there in the versions of ``VERSIONS``; methods of one
that is missing are left out, and the tables say so.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from answers import RECORDS, SURE, Answer, answered, networks_for, tasks_of
from documents import DOCS, rewrite
from known_methods import EXPLAINED, METHODS, Explained, must_fail

from pytest_saliency_sanity.checks.judging.result import CheckResult, StageVerdict, decisive
from pytest_saliency_sanity.checks.registry import CHECKS, check_of, question_ids

# What was measured with, by the first part of a spec. Records of other versions would not belong into one table.
VERSIONS = {
    "captum": ("captum", "0.9.0"),
    "grad_cam": ("grad-cam", "1.5.7"),
    "torchcam": ("torchcam", "0.5.0"),
    "zennit": ("zennit", "0.5.1"),
    "wrapped:shap": ("shap", "0.51.0"),
    "wrapped:explainiverse": ("explainiverse", "0.15.2"),
    "wrapped": ("captum", "0.9.0"),
}


STRIPS = DOCS / "leaderboard" / "maps"


class Cell(NamedTuple):
    """A method's answer to a question on a network, and why it is not what an expert expects."""

    answer: Answer
    explained: tuple[Explained, ...]

    @property
    def is_right(self) -> bool:
        """Whether the verdict is what an expert expects."""
        task = self.answer.task
        return self.answer.result.verdict == ("failed" if must_fail(task.spec, task.question) else "passed")

    @property
    def kind(self) -> str:
        """``right``, ``explained``, ``refused`` or ``wrong``."""
        if self.answer.result.not_asked:
            return "refused"
        return "right" if self.is_right else "explained" if self.explained else "wrong"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=Path, default=RECORDS / "known-answers.jsonl.gz")
    options.add_argument("--processes", type=int, default=os.cpu_count())
    given = options.parse_args()
    missing = left_out(METHODS)
    for spec, why in missing.items():
        print(f"left out: {spec}: {why}", flush=True)
    specs = [spec for spec in METHODS if spec not in missing]
    tasks = tasks_of(specs, images=SURE)
    cells = [cell_of(answer) for answer in answered(tasks, given.records, given.processes, STRIPS)]
    page = DOCS / "known-answers.md"
    rewrite(page, "agreement", agreement(cells, missing))
    rewrite(page, "answers", tables(cells, missing))


def left_out(specs: Mapping[str, object]) -> dict[str, str]:
    """Return the methods whose library is missing or of another version, and what to install."""
    found = {spec: unusable(*library_of(spec)) for spec in specs if library_of(spec)}
    return {spec: why for spec, why in found.items() if why}


def library_of(spec: str) -> tuple[str, ...]:
    """Return the distribution and version that a method is measured with; nothing if it is the project's own."""
    return next((found for prefix, found in VERSIONS.items() if spec.startswith(prefix)), ())


def unusable(distribution: str, wanted: str) -> str:
    """Return why a library can't be measured; nothing if it can."""
    try:
        installed = version(distribution)
    except PackageNotFoundError:
        return f"{distribution} is not installed: pip install {distribution}=={wanted}"
    return "" if installed == wanted else f"{distribution} is {installed}, measured is {wanted}"


def cell_of(answer: Answer) -> Cell:
    """Return an answer with what explains it."""
    spec, network, question, *_ = answer.task
    return Cell(answer, tuple(each for each in EXPLAINED if each.covers(spec, network, question)))


def agreement(cells: Sequence[Cell], missing: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that count agreement with what experts expect, and what explains the rest."""
    libraries = sorted({" ".join(library_of(spec)) for spec in METHODS if library_of(spec)})
    yield f"{len(METHODS)} methods; {', '.join(libraries)}, torch {version('torch')}.\n"
    yield from (f"- Not measured: `{spec}`: {why}." for spec, why in missing.items())
    kinds = ("right", "explained", "refused", "wrong")
    yield f"| question | cells | {' | '.join(kinds)} |\n|---|---|---|---|---|---|"
    counts = {
        question: Counter(each.kind for each in cells_of(cells, question)) for question in question_ids(CHECKS.all())
    }
    for name, count in [*((f"`{question}`", count) for question, count in counts.items()), ("all", sum_of(counts))]:
        yield f"| {name} | {count.total()} | {' | '.join(str(count[kind]) for kind in kinds)} |"
    yield from why_not_right(cells)


def sum_of(counts: Mapping[str, Counter[str]]) -> Counter[str]:
    return sum(counts.values(), Counter())


def why_not_right(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a paragraph for everything that explains cells, then what is refused and what is wrong."""
    for reason in EXPLAINED:
        of_reason = [cell for cell in cells if cell.kind == "explained" and reason in cell.explained]
        methods = dict.fromkeys(f"`{cell.answer.task.spec}`" for cell in of_reason)
        yield f"\n**({reason.key}) {reason.what}** {reason.why} {len(of_reason)} cells: {', '.join(methods)}."
    refused: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        if cell.kind == "refused":
            spec, network = cell.answer.task[:2]
            why = cell.answer.result.not_asked
            refused.setdefault((spec, why.partition(" the method raised ")[2] or why), []).append(network)
    yield "\nRefused, in the library's words:\n" if refused else ""
    for (spec, why), networks in refused.items():
        yield f"- `{spec}` on {', '.join(dict.fromkeys(networks))}: {why}"
    for cell in cells:
        if cell.kind == "wrong":
            yield f"- **wrong**: {' '.join(map(str, cell.answer.task[:3]))}: {shown(cell)}"


def tables(cells: Sequence[Cell], missing: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a table for each question."""
    for question in question_ids(CHECKS.all()):
        yield f"\n## `{question}`\n"
        asked = cells_of(cells, question)
        if not check_of(question).by_model:
            yield from contract_table(asked)
            continue
        networks = networks_for(question)
        yield f"{rule(question)}\n"
        yield f"| {' | '.join(['method', *networks, 'literature'])} |\n|{'---|' * (len(networks) + 2)}"
        for spec, of_method in groupby(asked, key=lambda cell: cell.answer.task.spec):
            said = METHODS[spec].get(question, "")
            yield f"| `{spec}` | {' | '.join(map(shown, of_method))} | {said} |"
        for spec, why in missing.items():
            yield f"| `{spec}` |{f' not measured: {why} |' * len(networks)} |"


def cells_of(cells: Sequence[Cell], question: str) -> list[Cell]:
    """Return the cells of a question, method by method in the order of ``METHODS``."""
    order = list(METHODS)
    return sorted(
        (cell for cell in cells if cell.answer.task.question == question),
        key=lambda cell: order.index(cell.answer.task.spec),
    )


def contract_table(asked: Sequence[Cell]) -> Iterator[str]:
    """Yield the table of what is asked of a method alone."""
    yield "| method | verdict | networks tried | broken promise, or what it refuses |\n|---|---|---|---|"
    for cell in asked:
        result = cell.answer.result
        measured = result.measured
        broken = [str(measured.figure(name) or "") for name in ("broken promise", "smallest example")]
        said = "; ".join(filter(None, broken)) or "; ".join(each.figure for each in result.findings)
        verdict = "not asked" if result.not_asked else result.verdict
        yield f"| `{cell.answer.task.spec}` | {verdict}{marks(cell)} | {measured.figure('networks tried')} | {said} |"


def rule(question: str) -> str:
    """Return the rule of a question in words."""
    check = check_of(question)
    side = "above" if check.above else "below"
    signs = "; without signs: U" if check.unsigned else ""
    limits = [
        f"{limit:g}" + (f" (U {check.unsigned[at]:g})" if at in check.unsigned else "") + f" at `{at}`"
        for at, limit in check.thresholds.items()
    ]
    return f"The {check.quantity} must stay {side} {', '.join(limits)}, with its whole interval{signs}."


def shown(cell: Cell) -> str:
    """Return the verdict and what it rests on: every stage that was judged, and how many images and draws."""
    result = cell.answer.result
    if result.not_asked:
        return "refused"
    verdict = result.verdict if result.verdict == "passed" else f"**{result.verdict}**"
    finding = " (a finding)" if result.finding and result.verdict != "passed" else ""
    unsigned = " U" if check_of(result.check).unsigned and not result.measured.has_signs else ""
    stages = "; ".join(map(figures, result.stages))
    size = f"{result.measured.images} x {result.measured.draws}"
    return f"{verdict}{finding}{marks(cell)}{unsigned} {stages}, {size}{magnitudes(result)}"


def marks(cell: Cell) -> str:
    """Return what explains a cell, in brackets."""
    if cell.kind == "wrong":
        return " WRONG"
    return f" ({', '.join(each.key for each in cell.explained)})" if cell.kind == "explained" else ""


def magnitudes(result: CheckResult) -> str:
    """Return what was found by magnitude, if it does not pass although the signs do."""
    if result.verdict != "passed" or not result.magnitudes or decisive(result.magnitudes).verdict == "passed":
        return ""
    worst = decisive(result.magnitudes)
    return f"; by magnitude {worst.verdict} {worst.interval.mean:.3f}"


def figures(stage: StageVerdict) -> str:
    """Return the mean and its interval at a stage."""
    mean, low, high = stage.interval
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]" if stage.interval.defined else f"{stage.stage}: none defined"


if __name__ == "__main__":
    main()
