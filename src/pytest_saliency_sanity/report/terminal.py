"""What a run prints: the plan in the header, the verdicts in the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import pytest

from ..checks.catalogue import CHECKS, Check, question_ids
from ..collection import METHOD, MODEL, ROOT, is_ours
from ..methods.resolve import BUILT_IN, CONTROLS, NEEDS, REFERENCE, installed_methods
from ..models import MODELS
from ..settings import Settings
from .ledger import Ledger

COLORS = {"passed": "green", "failed": "red", "inconclusive": "yellow", "undefined": "yellow"}


def header(settings: Settings) -> str:
    """Return the line that says what the packaged suite is going to do."""
    return (
        f"saliency-sanity: {', '.join(settings.methods)} x {', '.join(settings.models)} x "
        f"{len(question_ids(settings.checks))} questions = {planned(settings)} tests planned; "
        f"{settings.images} images, seed {settings.seed}, device {settings.device}"
    )


def planned(settings: Settings, collected: Collection[str] = ()) -> int:
    """Return how many tests the packaged suite has: fewer where, as ``collected`` shows, a fixture is overridden."""
    methods = 1 if any(node_id.startswith(f"{ROOT}::{METHOD}-") for node_id in collected) else len(settings.methods)
    models = 1 if any(is_ours(node_id) and f"-{MODEL}::" in node_id for node_id in collected) else len(settings.models)
    return methods * models * len(question_ids(settings.checks))


def summarize(reporter: pytest.TerminalReporter, settings: Settings, ledger: Ledger) -> None:
    """Print the verdicts as a table, and how many tests were planned and ran."""
    reporter.section("saliency-sanity")
    records = sorted(ledger.records.values(), key=lambda record: _place(record, settings))
    if records:
        for line, verdict in zip(table(records), ["", *(record["verdict"] for record in records)], strict=True):
            reporter.line(line, **({COLORS[verdict]: True} if verdict else {}))
    outcomes = Counter(ledger.outcomes.values())
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items(), reverse=True))
    packaged = sum(map(is_ours, ledger.outcomes))
    own = len(ledger.outcomes) - packaged
    reporter.line(
        f"packaged tests: {planned(settings, ledger.planned)} planned, {packaged} ran"
        f"{f'; {own} tests of your own' if own else ''}{f': {counted}' if counted else ''}"
    )
    if any(record["verdict"] == "passed" for record in records):
        reporter.line("'passed' says: no evidence of insensitivity. It does not say that the maps are faithful.")
    for problem in ledger.problems:
        reporter.line(f"not green: {problem}", red=True)


def _place(record: dict[str, Any], settings: Settings) -> tuple[tuple[int, str], ...]:
    """Return where a record stands in the table: methods and models as they were given, checks as in the catalogue."""
    orders = (settings.methods, settings.models, tuple(question_ids(settings.checks)))
    names = (record["method"], record["model"], record["check"])
    return tuple(
        (order.index(name) if name in order else len(order), name) for name, order in zip(names, orders, strict=True)
    )


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return a heading and the records, one line each, in aligned columns."""
    rows = [("method", "model", "check", "maps", "SRC [95 % interval]", "below", "verdict"), *map(_row, records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(record: dict[str, Any]) -> tuple[str, ...]:
    measured, interval, verdict = record["measured"], record["interval"], record["verdict"]
    if measured["undefined"]:
        verdict += f" ({measured['undefined']} of {measured['total']} SRCs undefined)"
    src = f"{record['statistic']:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "none defined"
    names = (record["method"], record["model"], record["check"], measured["sign"])
    return (*names, src, f"{record['threshold']:g}", verdict)


def listing() -> str:
    """Return the methods, models and checks that exist, as text."""
    installed = installed_methods()
    lines = ["methods (--saliency-method):"]
    for name in BUILT_IN:
        kind = "reference" if name in REFERENCE else "control" if name in CONTROLS else f"through {NEEDS[name]}"
        missing = "" if name in installed else f", not installed: pip install 'pytest-saliency-sanity[{NEEDS[name]}]'"
        lines.append(f"  {name:24} {kind}{missing}")
    lines += [f"  {'package.module:function':24} your own", "models (--saliency-model):"]
    lines += [f"  {name}" for name in MODELS]
    lines.append("checks (--saliency-check):")
    for check in CHECKS.values():
        lines.append(f"  {check.name:24} {check.question}")
        lines.append(f"  {'':24} {_thresholds(check)}{_variants(check.variants)}; {check.source}")
    return "\n".join(lines)


def _thresholds(check: Check) -> str:
    return ", ".join(f"SRC below {threshold:g} ({at})" for at, threshold in check.thresholds.items())


def _variants(variants: tuple[str, ...]) -> str:
    return f", in the orders {', '.join(variants)}" if variants else ""
