"""Saliency cards: what a run measured of each method, in the words of Boggust et al. 2023 (arXiv:2206.02958).

Their ten attributes are filled in as far as this package measures them. A check names its attribute when it is
registered. What is called repeatability here is determinism there; their tests called Repeatability and Reproducibility
compare networks that were trained again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ..checks.judging.result import Verdict
from ..checks.registry import CHECKS
from ..foundation.files import write_whole
from .figures import file_name
from .markdown import code, escaped
from .record import Record
from .run import Run
from .status import status_of

Value = TypeVar("Value")

SECTIONS: dict[str, tuple[str, ...]] = {
    "Methodology": (
        *("Determinism", "Hyperparameter Dependence", "Model Agnosticism"),
        *("Computational Efficiency", "Semantic Directness"),
    ),
    "Sensitivity Testing": ("Input Sensitivity", "Label Sensitivity", "Model Sensitivity"),
    "Perceptibility Testing": ("Minimality", "Perceptual Correspondence"),
}
# As in their template: a green circle passed, a red square failed, a yellow square inconclusive.
SIGNS: dict[Verdict, str] = {"passed": "🟢", "failed": "🟥", "inconclusive": "🟨", "undefined": "🟨"}
NOT_MEASURED = "Not measured."


def write(run: Run, path: Path) -> list[Path]:
    """Write the card of each method of a run beside ``path``, whose name has METHOD in it; return the paths."""
    written = []
    for method in dict.fromkeys(record.method for record in run.records):
        written.append(path.with_name(path.name.replace("METHOD", file_name(method))))
        write_whole(written[-1], card(run, method))
    return written


def card(run: Run, method: str) -> str:
    """Return the card of a method as Markdown."""
    records = [record for record in run.records if record.method == method]
    lines = [
        f"# {escaped(method)}: saliency card",
        "",
        "Filled in by pytest-saliency-sanity with what it measured, in the attributes of "
        "[saliency cards](https://arxiv.org/abs/2206.02958) (Boggust et al. 2023). 🟢 passed, 🟨 inconclusive, "
        "🟥 failed. A pass says that no evidence of insensitivity was found, not that maps are faithful.",
    ]
    for section, attributes in SECTIONS.items():
        lines += ["", f"## {section}"]
        if section == "Methodology":
            lines += ["", *about(records, run)]
        for attribute in attributes:
            lines += ["", f"### {attribute}", *(attribute_of(attribute, records, run) or [NOT_MEASURED])]
    return "\n".join(lines) + "\n"


def about(records: Sequence[Record], run: Run) -> Iterator[str]:
    """Yield what was measured, with what."""
    models = ", ".join(dict.fromkeys(record.model for record in records if record.model))
    versions = ", ".join(f"{name} {version}" for name, version in _first(record.versions for record in records).items())
    date = f", on {run.started[:10]}" * bool(run.started)
    yield f"- **Measured on:** {escaped(f'{models} of the preset {run.preset}, seed {run.seed}{date}')}"
    yield f"- **Versions:** {escaped(versions) or 'unknown'}"
    yield f"- **Command:** {code(run.command)}"


def attribute_of(attribute: str, records: Sequence[Record], run: Run) -> list[str]:
    """Return the lines on an attribute; none if nothing about it was measured."""
    special = {
        "Hyperparameter Dependence": hyperparameters,
        "Model Agnosticism": networks,
        "Computational Efficiency": efficiency,
    }
    if attribute in special:
        return list(special[attribute](records))
    lines = []
    for check in CHECKS.all().values():
        for variant in check.variants or ("",):
            named, _, test = check.card.get(variant, "").partition(": ")
            asked = [record for record in records if (record.check, record.variant) == (check.name, variant)]
            if named == attribute and asked:
                question = code(asked[0].question)
                title = f"**{test}** ({question})" if test else question
                lines += [f"- {title}: {check.question}", *(f"    - {line_of(record, run)}" for record in asked)]
    return lines


def line_of(record: Record, run: Run) -> str:
    """Return the answer to a question in a line."""
    status = status_of(record, run.tier)
    where = f"{escaped(record.model)}: " if record.model else ""
    if record.result is None or status == "skipped":
        return f"{where}not measured ({escaped(record.reason) or status})"
    result, deciding = record.result, record.result.deciding
    answer = f"{SIGNS[result.verdict]} {where}{result.verdict}"
    if deciding is None:
        return answer
    number = f"{escaped(result.quantity)} {deciding.interval.text}"
    return f"{answer}, {number} at {escaped(deciding.stage)} (must be {deciding.must_be})"


def hyperparameters(records: Sequence[Record]) -> Iterator[str]:
    """Yield the parameters that were used. Others were not tried."""
    if parameters := _first(record.parameters for record in records):
        used = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        yield f"Measured with {code(used)} only; the dependence on them was not measured."


def networks(records: Sequence[Record]) -> Iterator[str]:
    """Yield on which networks the method ran, and which it refused."""
    answered = [record for record in records if record.result and not record.result.not_asked]
    if models := dict.fromkeys(record.model for record in answered if record.model):
        yield f"It ran on {escaped(', '.join(models))}."
    for record in answered:
        for finding in record.result.findings if record.result else ():
            if finding.text == "it refuses some networks":
                yield f"It refuses some networks: {escaped(finding.figure)}"


def efficiency(records: Sequence[Record]) -> Iterator[str]:
    """Yield how long the questions took. An explanation alone was not timed."""
    took = [record for record in records if record.seconds and record.outcome != "skipped"]
    if took:
        devices = ", ".join(dict.fromkeys(record.device for record in took if record.device))
        questions = f"{len(took)} questions" if len(took) > 1 else "A question"
        seconds = f"{sum(record.seconds for record in took):.3g} s{' in all' * (len(took) > 1)}"
        yield f"{questions} took {seconds}{f' on {escaped(devices)}' * bool(devices)}."


def _first(of_records: Iterable[Mapping[str, Value]]) -> Mapping[str, Value]:
    """Return the first that is not empty: of a question that was not put, nothing is known."""
    return next(filter(None, of_records), {})
