"""What was planned and what ran. A run that lost tests, or put no method to any test, does not end green.

A worker of pytest-xdist that dies or can't send its report loses the test without a failure; so whatever was collected
and never reported turns the run red.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from ..checks.catalogue import CHECKS
from .collection import PACKAGED

FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Ledger:
    """Keeps, in the process that reports to the user, the ids that were collected, those that ran, and the results."""

    def __init__(self, methods_given: bool) -> None:
        self.methods_given = methods_given
        self.planned: set[str] = set()
        self.packaged: set[str] = set()
        self.by_name: set[str] = set()  # of the workers we know the ids alone
        self.reported: set[str] = set()
        self.records: dict[str, dict[str, Any]] = {}
        self.glances: dict[tuple[str, str], dict[str, Any]] = {}
        self.outcomes: dict[str, str] = {}
        self.problems: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what was collected here."""
        self.planned.update(item.nodeid for item in session.items)
        self.packaged.update(item.nodeid for item in session.items if PACKAGED in item.keywords)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Note what a worker of pytest-xdist collected."""
        self.planned.update(ids)
        self.by_name.update(filter(is_named_as_packaged, ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note that a test ran, and its result."""
        if report.when != "call" and report.outcome == "passed":
            return  # that a test was set up or torn down says nothing about it
        self.reported.add(report.nodeid)
        if PACKAGED in report.keywords:
            self.packaged.add(report.nodeid)
        if "saliency" not in report.keywords:
            return
        for name, value in report.user_properties:
            if name == "saliency":
                self.records[report.nodeid] = cast(dict[str, Any], value)
            elif name == "saliency_maps":
                glance = cast(dict[str, Any], value)
                self.glances[glance["method"], glance["model"]] = glance
        self.outcomes[report.nodeid] = "xfailed" if hasattr(report, "wasxfail") else report.outcome

    @property
    def concerned(self) -> bool:
        """Whether a saliency test was asked for, or collected."""
        return self.methods_given or bool(self.packaged or self.outcomes)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a run red that says nothing about the method."""
        stopped = session.shouldstop or session.shouldfail or session.exitstatus not in FINISHED
        if stopped or session.config.option.collectonly or not (self.concerned or self.by_name):
            return
        lost = sorted(self.planned - self.reported)
        if lost:
            self.problems.append(f"{len(lost)} collected tests never reported, the first is {lost[0]}")
        if self.methods_given and all(outcome == "skipped" for outcome in self.outcomes.values()):
            self.problems.append(
                "a saliency method was given, but no test was put to it: "
                "give pytest a directory (not only files), and mind -k, -m, --deselect and skips"
            )
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def is_named_as_packaged(node_id: str) -> bool:
    """Return whether a node id has the name of a packaged test: one may have been lost, where nothing else is known."""
    name = node_id.rpartition("::")[2].partition("[")[0]
    return name.removeprefix("test_") in CHECKS
