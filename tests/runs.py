"""What the tests of the plugin share: the ids of the packaged suite, and how to read a run of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
Ids = Callable[..., list[str]]
Records = Callable[..., dict[str, dict[str, Any]]]

MODELS = ("alexnet", "vgg11")
QUESTIONS = (
    "test_label_randomization",
    "test_cascading_randomization[top_down]",
    "test_cascading_randomization[bottom_up]",
    "test_cascading_randomization[independent]",
    "test_bias_detection",
    "test_class_sensitivity",
    "test_repeatability",
    "test_symmetry[permutation]",
    "test_symmetry[rescaling]",
    "test_symmetry[input_shift]",
)
CASCADES = QUESTIONS[1:4]
OF_THE_METHOD = ("test_contract",)  # whatever the model


class Recorder:
    """A plugin that keeps the record of every saliency test, as the process that reports to the user hears of it."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a record, which must be plain values that JSON can carry."""
        for name, value in report.user_properties:
            if name == "saliency" and report.when == "call":
                self.records[report.nodeid] = json.loads(json.dumps(value, allow_nan=False))


def suite_ids(*methods: str, models: tuple[str, ...] = MODELS) -> list[str]:
    """Return the documented ids of the packaged suite, in order."""
    return [each for method in methods for each in (*cell_ids(method, *models), *own_ids(method))]


def cell_ids(method: str, *models: str) -> list[str]:
    """Return the ids of the questions that are put to a method on each model."""
    return [f"saliency-sanity::{method}-{model}::{question}" for model in models for question in QUESTIONS]


def own_ids(method: str) -> list[str]:
    """Return the ids of the questions that are put to a method alone."""
    return [f"saliency-sanity::{method}::{question}" for question in OF_THE_METHOD]


def ids_with(outcome: str, result: pytest.RunResult) -> list[str]:
    """Return the ids that a run with ``-v`` shows with an outcome, in order."""
    return [line.partition(f" {outcome}")[0] for line in result.outlines if re.search(rf"::.* {outcome} +\[", line)]
