"""Compares what was planned with what ran, so that a run that lost tests or checked no method does not end green.

If a worker of pytest-xdist dies or can't send its report, its test is lost without a failure. So the run fails if a
collected test never reported, or if a packaged test passed without giving a result.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest

from ..checks.judging.result import CheckResult
from ..checks.registry import CHECKS
from ..reports.glances import Glance
from ..reports.run import Run
from .collection import is_ours, plan_collected
from .names import PACKAGED, SUBJECT
from .settings import Settings

FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
# The names of results and glances among the properties of a test, which travel from workers as JSON.
RESULT, GLANCE = "saliency", "saliency_maps"


def as_property(thing: CheckResult | Glance) -> tuple[str, object]:
    """Return a result or a glance as a property of a test, in the form of text, which workers can send safely."""
    name = RESULT if isinstance(thing, CheckResult) else GLANCE
    return name, json.dumps(thing.as_record(), allow_nan=False)


class Ledger:
    """Keeps the collected ids, the ids that ran, and the results, in the process that reports to the user."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.planned: set[str] = set()
        self.packaged: set[str] = set()
        self.by_name: set[str] = set()  # workers send only the ids of their tests
        self.reported: set[str] = set()
        self.results: dict[str, CheckResult] = {}
        self.subjects: dict[str, tuple[str, str]] = {}
        self.glances: dict[tuple[str, str], Glance] = {}
        self.outcomes: dict[str, str] = {}
        self.problems: list[str] = []
        self.written: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record what was collected in this process."""
        self.planned.update(item.nodeid for item in session.items)
        self.packaged.update(item.nodeid for item in session.items if PACKAGED in item.keywords)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Record what a worker of pytest-xdist collected."""
        self.planned.update(ids)
        self.by_name.update(filter(is_named_as_packaged, ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record that a test ran, and its result."""
        if report.when != "call" and report.outcome == "passed":
            return  # a successful setup or teardown says nothing about the test
        self.reported.add(report.nodeid)
        if PACKAGED in report.keywords:
            self.packaged.add(report.nodeid)
        if "saliency" not in report.keywords:
            return
        for name, value in report.user_properties:
            if name == RESULT:
                self.results[report.nodeid] = CheckResult.from_record(json.loads(str(value)))
            elif name == SUBJECT:
                method, model = json.loads(str(value))
                self.subjects[report.nodeid] = method, model
            elif name == GLANCE:
                glance = Glance.from_record(json.loads(str(value)))
                self.glances[glance.method, glance.model] = glance
        self.outcomes[report.nodeid] = "xfailed" if hasattr(report, "wasxfail") else report.outcome

    @property
    def concerned(self) -> bool:
        """Whether a saliency test was asked for or collected."""
        return bool(self.settings.methods or self.packaged or self.outcomes)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that lost tests or says nothing about the method."""
        stopped = session.shouldstop or session.shouldfail or session.exitstatus not in FINISHED
        if stopped or session.config.option.collectonly or not (self.concerned or self.by_name):
            return
        self.problems += self._find_problems()
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def run(self) -> Run:
        """Return the run so far, as reports see it."""
        settings, plan = self.settings, self.settings.plan
        packaged = self.packaged & self.outcomes.keys()
        return Run(
            plan=plan,
            preset=settings.preset_name,
            tier=settings.tier,
            device=settings.device,
            images=settings.images,
            seed=settings.seed,
            sign=settings.sign,
            law=settings.law,
            confidence=settings.confidence,
            results=tuple(sorted(self.results.values(), key=plan.place)),
            glances=tuple(sorted(self.glances.values(), key=plan.place)),
            planned=self._count_planned(self.packaged | self.by_name),
            ran=len(packaged),
            own=len(self.outcomes) - len(packaged),
            outcomes=Counter(self.outcomes.values()),
            unanswered=self._unanswered(),
            problems=tuple(self.problems),
            written=tuple(self.written),
        )

    def _outcomes_by_method(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for node_id, (method, _) in self.subjects.items():
            found.setdefault(method, set()).add(self.outcomes.get(node_id, ""))
        return found

    def _unanswered(self) -> Counter[tuple[str, str]]:
        """Return how many packaged tests of each method and model failed without a verdict."""
        failed = [node_id for node_id in self.packaged if self.outcomes.get(node_id) == "failed"]
        return Counter(self.subjects[each] for each in failed if each in self.subjects and each not in self.results)

    def _count_planned(self, collected: set[str]) -> int:
        """Return how many packaged tests were planned; for test files of the project, how many were collected."""
        if not self.settings.methods or any(not is_ours(node_id) for node_id in collected):
            return len(collected)
        return len(plan_collected(self.settings.plan, collected))

    def _find_problems(self) -> list[str]:
        found = []
        if lost := sorted(self.planned - self.reported):
            found.append(f"{len(lost)} collected tests never reported, the first is {lost[0]}")
        if self.settings.methods and not self.outcomes:
            found.append(
                "a saliency method was given, but no test was put to it: "
                "give pytest a directory (not only files), and look for -k, -m and --deselect"
            )
        for method, outcomes in self._outcomes_by_method().items():
            if outcomes == {"skipped"}:
                found.append(f"no test was put to {method}: all of them were skipped")
        passed = {node_id for node_id in self.packaged if self.outcomes.get(node_id) == "passed"}
        if unanswered := sorted(passed - self.results.keys()):
            found.append(f"{len(unanswered)} packaged tests passed without an answer, the first is {unanswered[0]}")
        return found


def is_named_as_packaged(node_id: str) -> bool:
    """Return whether a node id has the name of a packaged test; nothing else is known about a lost one."""
    name = node_id.rpartition("::")[2].partition("[")[0]
    return name.removeprefix("test_") in CHECKS.all()
