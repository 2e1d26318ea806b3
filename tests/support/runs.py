"""What the tests of the plugin share: the ids of the packaged suite, and how to read a run of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.networks.presets.registry import PRESETS
from pytest_saliency_sanity.plugin.account import account_of

Run = Callable[..., pytest.RunResult]
Ids = Callable[..., list[str]]
Records = Callable[..., dict[str, dict[str, Any]]]

PRESET = PRESETS.named("embedded")
MODELS = PRESET.networks
# What is put to a method on each model, and to the method alone, in order.
QUESTIONS = tuple(f"test_{each}" for check in CHECKS.all().values() if check.by_model for each in check.ids)
LACKING = {
    model: tuple(
        f"test_{each}"
        for check in CHECKS.all().values()
        if set(check.needs) & set(PRESET.lacking(model))
        for each in check.ids
    )
    for model in MODELS
}
OF_THE_METHOD = tuple(f"test_{each}" for check in CHECKS.all().values() if not check.by_model for each in check.ids)
CASCADES = tuple(each for each in QUESTIONS if each.startswith("test_cascading_randomization["))
PER_MODEL, PER_METHOD = len(QUESTIONS), len(OF_THE_METHOD)
# How many tests one method has, on all networks and on one that is named.
IN_ALL = len(MODELS) * PER_MODEL - sum(map(len, LACKING.values())) + PER_METHOD
ON_ONE = PER_MODEL + PER_METHOD


class Recorder:
    """A plugin that keeps the record of every saliency test, as the process that reports to the user hears of it."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a record, which travels as JSON."""
        result = account_of(report).get("result")
        if result and report.when == "call":
            self.records[report.nodeid] = result


def suite_ids(*methods: str, models: tuple[str, ...] = MODELS) -> list[str]:
    """Return the documented ids of the packaged suite, in order."""
    lacking = LACKING if models == MODELS else {}
    return [each for method in methods for each in (*cell_ids(method, *models, lacking=lacking), *own_ids(method))]


def cell_ids(method: str, *models: str, lacking: Mapping[str, tuple[str, ...]] = MappingProxyType({})) -> list[str]:
    """Return the ids of the questions that are put to a method on each model, but for those that it lacks."""
    return [
        f"saliency-sanity::{method}-{model}::{question}"
        for model in models
        for question in QUESTIONS
        if question not in lacking.get(model, ())
    ]


def own_ids(method: str) -> list[str]:
    """Return the ids of the questions that are put to a method alone."""
    return [f"saliency-sanity::{method}::{question}" for question in OF_THE_METHOD]


def flat(result: pytest.RunResult) -> str:
    """Return what a run printed, in one line: the summary is wrapped to fit a terminal."""
    return " ".join(result.stdout.str().split())


def ids_with(outcome: str, result: pytest.RunResult) -> list[str]:
    """Return the ids that a run with ``-v`` shows with an outcome, in order."""
    return [line.partition(f" {outcome}")[0] for line in result.outlines if re.search(rf"::.* {outcome} +\[", line)]
