"""Write the tables of README and docs that repeat what the code says: ``python docs/tables.py``.

Each stands between two marks, ``<!-- table: NAME -->`` and ``<!-- end of table -->``; what stands between them is
replaced. A test fails if a table is not what this would write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest_saliency_sanity
from pytest_saliency_sanity import plugin
from pytest_saliency_sanity.checks.registry import CHECKS, Check
from pytest_saliency_sanity.foundation.ids import with_variant
from pytest_saliency_sanity.methods.adapters import LIBRARIES
from pytest_saliency_sanity.methods.registry import ADAPTED, CONTROLS, REFERENCE
from pytest_saliency_sanity.networks.presets.registry import PRESETS
from pytest_saliency_sanity.plugin import hookspecs
from pytest_saliency_sanity.plugin.names import EXPECTED_FAILURES, MARKERS
from pytest_saliency_sanity.plugin.options import FLAGS, OPTIONS
from pytest_saliency_sanity.reports.registry import REPORTS

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
TABLE = re.compile(r"(<!-- table: ([\w-]+) -->\n)(.*?)(<!-- end of table -->)", re.DOTALL)

Rows = Iterable[Sequence[str]]


def main() -> None:
    for page in PAGES:
        page.write_text(rewritten(page.read_text()))


def rewritten(text: str) -> str:
    """Return a page with its tables as they should be. Raises KeyError for a table that nobody knows how to make."""
    return TABLE.sub(lambda found: f"{found[1]}{markdown(TABLES[found[2]]())}{found[4]}", text)


def markdown(rows: Rows) -> str:
    """Return rows, the first of them the heading, as a table."""
    heading, *rest = rows
    lines = [heading, ["---"] * len(heading), *rest]
    escaped = [[cell.replace("|", r"\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)


def checks() -> Rows:
    yield "check", "question", "judged by", "passes if", "source"
    for check in CHECKS.all().values():
        yield f"`{check.name}`", check.question, check.judged, rule(check), check.source


def questions() -> Rows:
    yield "question", "decides", "needs"
    for check in CHECKS.all().values():
        for variant in check.variants or ("",):
            decides = "a finding: in the tier `full` only" if check.is_finding(variant) else "gate"
            yield f"`{with_variant(check.name, variant)}`", decides, ", ".join(f"`{need}`" for need in check.needs)


def rule(check: Check) -> str:
    """Return what a check must stay below or above, in words."""
    if not check.thresholds:
        return "no broken promise is found"
    limits: dict[str, list[str]] = {}
    for at, threshold in check.thresholds.items():
        without_signs = f" (without signs {check.unsigned[at]:g})" if at in check.unsigned else ""
        limits.setdefault(f"{'>' if check.above else '<'} {threshold:g}{without_signs}", []).append(at)
    if len(limits) == 1:
        return f"{check.quantity} {', '.join(limits)}"
    return f"{check.quantity} " + ", ".join(f"{limit} at {', '.join(at)}" for limit, at in limits.items())


def specs() -> Rows:
    yield "spec", "is"
    named = [
        f"the reference methods {_listed(REFERENCE)}",
        f"the controls {_listed(CONTROLS)}, whose answers are known",
        *(f"`{name}`, which is `{spec}`" for name, spec in ADAPTED.items()),
    ]
    yield "`gradcam`, `smoothgrad?n_samples=50`", f"a built-in name: {'; '.join(named)}"
    own = "a function, an instance, or a class to instantiate; found beside the folder that pytest is called in, too"
    yield "`package.module:attribute`", own
    for library in LIBRARIES.all().values():
        spec = f"`{library.name}:Class`, `{library.name}:Class:layer`"
        yield spec, f"a class of {library.extra} (`{library.install}`)"


def presets() -> Rows:
    yield "preset", "networks", "images", "supplies"
    for preset in PRESETS.all().values():
        supplied = ", ".join(f"`{need}`" for need in preset.needs)
        yield f"`{preset.name}`", preset.description, preset.images, supplied or "nothing else"


def options() -> Rows:
    yield "option", "meaning", "default"
    for option in OPTIONS:
        repeatable = "; repeatable" * option.repeatable
        yield f"`{option.flag} {option.metavar}`", f"{option.meaning}{repeatable}", option.default
    for flag in FLAGS:
        yield f"`{flag.flag}`", flag.meaning, "off"
    yield f"ini `{EXPECTED_FAILURES}`", "lines `method/model/check -> reason`", "none"


def ini_keys() -> Rows:
    yield "ini key", "is", "as the option"
    for option in OPTIONS:
        yield f"`{option.key}`", "a list" if option.repeatable else "a value", f"`{option.flag}`"
    yield f"`{EXPECTED_FAILURES}`", "a list of lines `method/model/check -> reason`", "none"


def markers() -> Rows:
    yield "marker", "says"
    for name, meaning in MARKERS.items():
        yield f"`{name}`", meaning


def fixtures() -> Rows:
    yield "fixture", "gives"
    for name in plugin.__all__:
        yield f"`{name}`", described(getattr(plugin, name))


def hooks() -> Rows:
    yield "hook", "is asked to"
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        yield f"`{name}({', '.join(inspect.signature(hook).parameters)})`", described(hook)


def public_names() -> Rows:
    yield "name", "is"
    for name in pytest_saliency_sanity.__all__:
        yield f"`{name}`", described(getattr(pytest_saliency_sanity, name), paragraphs=1)


def described(thing: object, paragraphs: int | None = None) -> str:
    """Return the docstring of something in one line, or only its first paragraphs."""
    text = inspect.cleandoc(thing.__doc__ or "").replace("``", "`")
    return " ".join(" ".join(text.split("\n\n")[:paragraphs]).split())


def reports() -> Rows:
    yield "report", "file", "is"
    for report in REPORTS.all().values():
        yield f"`{report.name}`", f"`{report.file}`", report.description


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


TABLES: dict[str, Callable[[], Rows]] = {
    "checks": checks,
    "questions": questions,
    "specs": specs,
    "presets": presets,
    "options": options,
    "reports": reports,
    "ini-keys": ini_keys,
    "markers": markers,
    "fixtures": fixtures,
    "hooks": hooks,
    "public-names": public_names,
}


if __name__ == "__main__":
    main()
