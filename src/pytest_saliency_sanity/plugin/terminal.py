"""What a run prints: the plan in the header, the verdicts in the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import pytest

from ..checks.catalogue import CHECKS, Check, is_finding, question_ids
from ..foundation.specs import Spec, parse_spec
from ..methods.adapters import LIBRARIES
from ..methods.registry import BUILT_IN, CONTROLS, REFERENCE, NamedMethod, known_methods
from ..methods.resolve import is_installed
from ..networks.architectures import MODELS
from ..reports.mimics import layers, mimics
from .collection import METHOD, MODEL, ROOT, is_ours
from .ledger import Ledger
from .settings import Settings

COLORS = {"passed": "green", "failed": "red", "inconclusive": "yellow", "undefined": "yellow"}


def header(settings: Settings) -> str:
    """Return the line that says what the packaged suite is going to do."""
    return (
        f"saliency-sanity: {', '.join(settings.methods)} x {', '.join(settings.models)}: "
        f"{planned(settings)} tests planned, preset {settings.preset.name}, tier {settings.tier}; "
        f"{'up to ' if settings.takes_fewer_images else ''}{settings.images} images, seed {settings.seed}, "
        f"device {settings.device}"
    )


def planned(settings: Settings, collected: Collection[str] = ()) -> int:
    """Return how many tests the packaged suite has: fewer where, as ``collected`` shows, a fixture is overridden.

    ``collected``: the ids of packaged tests. Where a project has them in a file of its own, as many as these.
    """
    if any(not is_ours(node_id) for node_id in collected) or not settings.methods:
        return len(collected)
    methods = 1 if any(node_id.startswith(f"{ROOT}::{METHOD}") for node_id in collected) else len(settings.methods)
    models = 1 if any(is_ours(node_id) and f"-{MODEL}::" in node_id for node_id in collected) else len(settings.models)
    return methods * sum(len(CHECKS[name].ids) * (models if CHECKS[name].by_model else 1) for name in settings.checks)


def summarize(reporter: pytest.TerminalReporter, settings: Settings, ledger: Ledger) -> None:
    """Print the verdicts as a table, what else a reader should know, and how many tests were planned and ran."""
    reporter.section("saliency-sanity")
    records = sorted(ledger.records.values(), key=lambda record: _place(record, settings))
    if records:
        for line, verdict in zip(table(records, settings), ["", *map(_color_of, records)], strict=True):
            reporter.line(line, **({COLORS[verdict]: True} if verdict else {}))
    glances = sorted(ledger.glances.values(), key=lambda glance: _place({**glance, "check": ""}, settings))
    for line in layers(glances):
        reporter.line(line)
    for line in mimics(glances):
        reporter.line(f"note: {line}", yellow=True)
    reporter.line(_counts(settings, ledger))
    if any(record["verdict"] == "passed" for record in records):
        reporter.line("'passed' says: no evidence of insensitivity. It does not say that the maps are faithful.")
    for problem in ledger.problems:
        reporter.line(f"not green: {problem}", red=True)


def _counts(settings: Settings, ledger: Ledger) -> str:
    outcomes = Counter(ledger.outcomes.values())
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items(), reverse=True))
    packaged = len(ledger.packaged & ledger.outcomes.keys())
    own = len(ledger.outcomes) - packaged
    return (
        f"packaged tests: {planned(settings, ledger.packaged | ledger.by_name)} planned, {packaged} ran"
        f"{f'; {own} tests of your own' if own else ''}{f': {counted}' if counted else ''}"
    )


def _place(record: dict[str, Any], settings: Settings) -> tuple[tuple[int, str], ...]:
    """Return where a record stands in the table: methods and models as they were given, checks as in the catalogue."""
    orders = (settings.methods, settings.models, tuple(question_ids(settings.checks)))
    names = (record["method"], record["model"], record["check"])
    return tuple(
        (order.index(name) if name in order else len(order), name) for name, order in zip(names, orders, strict=True)
    )


def table(records: list[dict[str, Any]], settings: Settings) -> list[str]:
    """Return a heading and the records, one line each, in aligned columns."""
    heading = ("method", "model", "check", "maps", "SRC [95 % interval]", "must be", "verdict")
    rows = [heading, *(_row(record, settings) for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(record: dict[str, Any], settings: Settings) -> tuple[str, ...]:
    measured, interval, verdict = record["measured"], record["interval"], record["verdict"]
    quantity = CHECKS[record["check"].partition("[")[0]].quantity
    if measured.get("undefined"):
        kind = "SRCs" if quantity == "SRC" else "images"
        verdict += f" ({measured['undefined']} of {measured['total']} {kind} undefined)"
    if "not_applicable" in measured:
        verdict = "not asked"
    elif verdict != "passed" and is_finding(record["check"]) and settings.tier == "gate":
        verdict += " (a finding, no gate)"
    if "examples" in measured:
        tried = measured["examples"]
        src = f"{tried} network{'s' * (tried != 1)} tried"
    else:
        src = f"{record['statistic']:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]" if interval else "none defined"
        src += "" if quantity == "SRC" else f" {quantity}"
    must_be = f"{measured['must_be']} {record['threshold']:g}" if record["threshold"] is not None else ""
    return (record["method"], record["model"], record["check"], measured.get("sign", ""), src, must_be, verdict)


def _color_of(record: dict[str, Any]) -> str:
    verdict: str = record["verdict"]
    return "undefined" if is_finding(record["check"]) and verdict == "failed" else verdict


def listing() -> str:
    """Return the methods, models and checks that exist, as text."""
    lines = ["methods (--saliency-method):"]
    for name, found in known_methods().items():
        lines.append(f"  {name:24} {'; '.join(map(_described, found))}")
    lines.append(f"  {'package.module:attribute':24} your own: a function, an instance or a class")
    for name, library in LIBRARIES.items():
        missing = _missing(parse_spec(f"{name}:Class"))
        lines.append(f"  {f'{name}:Class[:layer]':24} a class of {library.package}{missing}")
    lines.append("models (--saliency-model):")
    lines += [f"  {name}" for name in (*MODELS, "package.module:factory")]
    lines.append("checks (--saliency-check):")
    for check in CHECKS.values():
        lines.append(f"  {check.name:24} {check.question}")
        lines.append(f"  {'':24} {'; '.join(filter(None, (_thresholds(check), _variants(check), check.source)))}")
    return "\n".join(lines)


def _described(method: NamedMethod) -> str:
    if method.source != "built in":
        return f"given by {method.source}"
    kind = "reference" if method.name in REFERENCE else "control" if method.name in CONTROLS else BUILT_IN[method.name]
    spec = parse_spec(BUILT_IN[method.name])
    return kind + _missing(spec)


def _missing(spec: Spec) -> str:
    """Return what to say of a method whose library is not installed, else nothing."""
    return "" if is_installed(spec) else f", not installed: {LIBRARIES[spec.name].install}"


def _thresholds(check: Check) -> str:
    side = "above" if check.above else "below"
    return ", ".join(f"{check.quantity} {side} {threshold:g} ({at})" for at, threshold in check.thresholds.items())


def _variants(check: Check) -> str:
    findings = f" ({', '.join(check.findings)}: a warning, but in the tier full)" if check.findings else ""
    return f"variants {', '.join(check.variants)}{findings}" if check.variants else ""
