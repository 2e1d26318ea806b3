"""Compares what was planned with what ran, so that a run that lost tests or checked no method does not end green.

If a worker of pytest-xdist dies or can't send its report, its test is lost without a failure. So the run fails if a
collected test never reported, or if a packaged test passed without giving a result.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest

from ..checks.registry import CHECKS
from ..reports.glances import Glance, layers, mimics
from ..reports.habits import notes_on_habits
from ..reports.record import Record, model_of
from ..reports.run import Run
from .account import account_of, evidence_in, glance_in, result_in
from .collection import is_ours, plan_collected
from .names import PACKAGED
from .settings import Settings

FINISHED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
# What pytest calls its options that only show what a run would do; --setup-plan sets the second.
ONLY_SHOWN = ("collectonly", "setuponly", "showfixtures", "show_fixtures_per_test", "cacheshow")


class Ledger:
    """Keeps the collected ids, the ids that ran, and their records, in the process that reports to the user."""

    def __init__(self, settings: Settings, command: str) -> None:
        self.settings = settings
        self.command = command
        self.started: datetime = datetime.now(UTC)
        self.began: float = monotonic()
        self.planned: set[str] = set()
        self.packaged: set[str] = set()
        self.from_workers: set[str] = set()
        self.reported: set[str] = set()
        self.records: dict[str, Record] = {}
        self.seconds: dict[str, float] = defaultdict(float)
        self.subjects: dict[str, tuple[str, str]] = {}
        self.glances: dict[tuple[str, str], Glance] = {}
        self.habits: list[tuple[str, dict[str, Any]]] = []
        self.outcomes: dict[str, str] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.written: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record what was collected in this process."""
        self.planned.update(item.nodeid for item in session.items)
        self.packaged.update(item.nodeid for item in session.items if PACKAGED in item.keywords)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Record what a worker of pytest-xdist collected."""
        self.planned.update(ids)
        self.from_workers.update(ids)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record that a test ran, and what it told."""
        self.seconds[report.nodeid] += report.duration
        if report.when != "call" and report.outcome == "passed":
            return  # a successful setup or teardown says nothing about the test
        self.reported.add(report.nodeid)
        if PACKAGED in report.keywords:
            self.packaged.add(report.nodeid)
        if "saliency" not in report.keywords:
            return
        outcome = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        account = account_of(report)
        if "about" in account:
            method, model = account["about"]
            self.subjects[report.nodeid] = method, model
        if glance := glance_in(account):
            self.glances[glance.method, glance.model] = glance
        if "habits" in account:
            self.habits.append((account["about"][0], account["habits"]))
        if "question" in account:
            self.records[report.nodeid] = record_of(report.nodeid, outcome, account)
        self.outcomes[report.nodeid] = outcome  # the last, so that what an interruption cut short has not run

    @property
    def concerned(self) -> bool:
        """Whether a saliency test was asked for or collected."""
        return bool(self.settings.methods or self.packaged or self.outcomes)

    @property
    def by_name(self) -> set[str]:
        """The ids of workers' tests that have the name of a packaged one: workers send nothing else about them."""
        names = names_of_tests()
        return {each for each in self.from_workers if each.rpartition("::")[2].partition("[")[0] in names}

    # First, since pytest-xdist waits for its workers, and who ends a run may not give it so much time.
    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that lost tests or says nothing about the method; say that an interrupted one is partial."""
        if asked_nothing(session):
            return
        if not self.concerned and (self.planned <= self.reported or not self.by_name):
            return
        stopped = session.shouldstop or session.shouldfail or session.exitstatus not in FINISHED
        self.problems += self._find_missing(session) if stopped else self._find_problems()
        self.turn_red(session)

    def turn_red(self, session: pytest.Session) -> None:
        """Fail a run that would be green but has a problem."""
        if self.problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def run(self) -> Run:
        """Return the run so far, as reports see it."""
        settings, plan = self.settings, self.settings.plan
        packaged = self.packaged & self.outcomes.keys()
        glances = sorted(self.glances.values(), key=plan.place)
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
            records=tuple(sorted(self._timed(), key=plan.place)),
            notes=(*layers(glances), *mimics(glances), *notes_on_habits(self.habits), *self.notes),
            planned=self._count_planned(self.packaged | self.by_name),
            ran=len(packaged),
            own=len(self.outcomes) - len(packaged),
            outcomes=Counter(self.outcomes.values()),
            problems=tuple(self.problems),
            started=f"{self.started:%Y-%m-%dT%H:%M:%SZ}",
            seconds=round(monotonic() - self.began, 3),
            command=self.command,
            written=tuple(self.written),
        )

    def _outcomes_by_method(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for node_id, (method, _) in self.subjects.items():
            found.setdefault(method, set()).add(self.outcomes.get(node_id, ""))
        return found

    def _timed(self) -> list[Record]:
        return [replace(each, seconds=round(self.seconds[each.id], 4)) for each in self.records.values()]

    def _answered(self) -> set[str]:
        return {node_id for node_id, record in self.records.items() if record.result}

    def _count_planned(self, collected: set[str]) -> int:
        """Return how many packaged tests were planned; of a shard, or in test files of the project, were collected."""
        of_own_files = any(not is_ours(node_id) for node_id in collected)
        if not self.settings.methods or self.settings.shard or of_own_files:
            return len(collected)
        return len(plan_collected(self.settings.plan, collected))

    def _find_missing(self, session: pytest.Session) -> list[str]:
        """Return how far a run had come when it was interrupted; nothing if all had run."""
        run = self.run()
        ran, planned, kind = run.ran, run.planned, "packaged tests"
        if not planned:
            ran, planned, kind = len(self.planned & self.reported), len(self.planned), "tests"
        if ran >= planned or session.exitstatus != pytest.ExitCode.INTERRUPTED:
            return []
        return [f"interrupted: {ran} of {planned} {kind} ran"]

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
        if unanswered := sorted(passed - self._answered()):
            found.append(f"{len(unanswered)} packaged tests passed without an answer, the first is {unanswered[0]}")
        return found


def asks_nothing(config: pytest.Config) -> bool:
    """Return whether pytest only shows what it would run, so that no answer can be missing."""
    return any(config.getoption(each, False) for each in ONLY_SHOWN)


def record_of(node_id: str, outcome: str, account: dict[str, Any]) -> Record:
    """Return the record of a packaged test, from what it told."""
    result = result_in(account)
    if result:
        result = replace(result, evidence=evidence_in(account))
    method, model, check, variant = account["question"]
    return Record(
        id=node_id,
        method=result.method if result else method,
        model=model_of(result) if result else model,
        check=check,
        variant=variant,
        outcome=outcome,
        reason=account.get("reason", ""),
        command=account.get("command", ""),
        parameters=account.get("parameters", {}),
        device=account.get("device", ""),
        versions=account.get("versions", {}),
        result=result,
    )


def asked_nothing(session: pytest.Session) -> bool:
    """Return whether a run ended before any question, because only that was asked for or because of a usage error."""
    return asks_nothing(session.config) or session.exitstatus == pytest.ExitCode.USAGE_ERROR


def names_of_tests() -> set[str]:
    """Return the names of packaged tests; none if those of another package can't be loaded: then there are none."""
    try:
        return {f"test_{name}" for name in CHECKS.all()}
    except (ValueError, TypeError, ImportError):
        return set()
