"""Saliency cards: what a run measured of each method, in the words of Boggust et al. 2023 (arXiv:2206.02958).

Their ten attributes are filled in as far as this package measures them. A check names its attribute when it is
registered. What is called repeatability here is determinism there; their tests called Repeatability and Reproducibility
compare networks that were trained again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..checks.registry import CHECKS
from ..foundation.files import write_whole
from .figures import file_name
from .markdown import escaped
from .record import Record
from .run import Run
from .status import Status, status_of

SECTIONS: dict[str, tuple[str, ...]] = {
    "Methodology": (
        *("Determinism", "Hyperparameter Dependence", "Model Agnosticism"),
        *("Computational Efficiency", "Semantic Directness"),
    ),
    "Sensitivity Testing": ("Input Sensitivity", "Label Sensitivity", "Model Sensitivity"),
    "Perceptibility Testing": ("Minimality", "Perceptual Correspondence"),
}
# As in their template: a green circle passed, a red square failed, a yellow square inconclusive.
SIGNS: dict[Status, str] = {"passed": "🟢", "failed": "🟥", "expected": "🟥", "inconclusive": "🟨", "undefined": "🟨"}
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
    versions = ", ".join(f"{name} {version}" for name, version in records[0].versions.items())
    date = f", on {run.started[:10]}" * bool(run.started)
    yield f"- **Measured on:** {escaped(models)} of the preset {run.preset}, seed {run.seed}{date}"
    yield f"- **Versions:** {escaped(versions) or 'unknown'}"
    yield f"- **Command:** `{run.command.replace('`', '')}`"


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
                title = f"**{test}** (`{asked[0].question}`)" if test else f"`{asked[0].question}`"
                lines += [f"- {title}: {check.question}", *(f"    - {line_of(record, run)}" for record in asked)]
    return lines


def line_of(record: Record, run: Run) -> str:
    """Return the answer to a question in a line."""
    status = status_of(record, run.tier)
    where = f"{escaped(record.model)}: " if record.model else ""
    if record.result is None or status == "skipped":
        return f"{where}not measured ({escaped(record.reason) or status})"
    verdict = record.result.verdict
    sign = SIGNS.get(status_of(replace(record, result=replace(record.result, finding=False)), "gate"), "🟥")
    deciding = record.result.deciding
    if deciding is None:
        return f"{sign} {where}{verdict}"
    mean, low, high = deciding.interval
    number = f"{mean:.3f} [{low:.3f}, {high:.3f}]" if deciding.interval.defined else "none defined"
    side = f"{'above' if deciding.above else 'below'} {deciding.threshold:g}"
    return f"{sign} {where}{verdict}, {record.result.quantity} {number} at {escaped(deciding.stage)} (must be {side})"


def hyperparameters(records: Sequence[Record]) -> Iterator[str]:
    """Yield the parameters that were used. Others were not tried."""
    if parameters := records[0].parameters:
        used = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
        yield f"Measured with `{re.sub('[`]', '', used)}` only; the dependence on them was not measured."


def networks(records: Sequence[Record]) -> Iterator[str]:
    """Yield on which networks the method ran, and which it refused."""
    models = dict.fromkeys(record.model for record in records if record.model and record.result)
    if models:
        yield f"It ran on {escaped(', '.join(models))}."
    for record in records:
        for finding in record.result.findings if record.result else ():
            if finding.text == "it refuses some networks":
                yield f"It refuses some networks: {escaped(finding.figure)}"


def efficiency(records: Sequence[Record]) -> Iterator[str]:
    """Yield how long the questions took. An explanation alone was not timed."""
    seconds = sum(record.seconds for record in records)
    if seconds:
        devices = ", ".join(dict.fromkeys(record.device for record in records if record.device))
        yield f"{len(records)} questions took {seconds:.3g} s in all{f' on {devices}' * bool(devices)}."
