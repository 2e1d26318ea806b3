"""Handles the packaged tests, whether collected below ``saliency-sanity`` or from a test file of the project.

With the line ``from pytest_saliency_sanity.suite import *``, a project has the same tests under its own ids.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from functools import partial

import pytest

from ..checks.expectations import ExpectedFailure, expected_reason, require_meaningful
from ..checks.plan import Plan, Question
from ..checks.registry import CHECKS
from ..foundation import rerun
from ..foundation.errors import (
    SaliencyAnswerChanged,
    SaliencyCheckFailed,
    SaliencyMethodError,
    described,
    traceback_of,
)
from ..foundation.timeouts import Overdue
from ..methods.registry import known_methods
from ..networks.presets.registry import PRESETS
from .account import attach, forget_result, tell
from .blame import usage_error
from .collection import Cell
from .command import command_for
from .names import METHOD, MODEL, PACKAGED
from .settings import Settings, require_plan

SPEAK_FOR_THEMSELVES = (SaliencyAnswerChanged, SaliencyCheckFailed, SaliencyMethodError, Overdue)


def question_of(item: pytest.Item) -> Question | None:
    """Return the question of a packaged test; None for any other test.

    A method or model that a fixture of the project gives is named after the fixture.
    """
    name = getattr(getattr(item, "function", None), "saliency_check", None)
    if name is None:
        return None
    given: Mapping[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    cell = item.getparent(Cell)
    method = cell.method if cell else given.get(f"{METHOD}_name", METHOD)
    model = cell.model if cell else given.get(f"{MODEL}_name", MODEL)
    return Question(method, model if CHECKS.named(name).by_model else "", name, given.get("variant", ""))


def subject_of(item: pytest.Item, question: Question | None) -> tuple[str, str] | None:
    """Return which method and model a test is about; None if it is about no method."""
    given: Mapping[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    if question is None and METHOD not in getattr(item, "fixturenames", ()):
        return None
    method = question.method if question else given.get(f"{METHOD}_name", METHOD)
    model = question.model if question else given.get(f"{MODEL}_name", "")
    return method, model


def is_planned(plan: Plan, question: Question) -> bool:
    """Return whether a plan has a question of any method and model, be they named or given by a fixture."""
    return question.id in plan.checks and plan.asks(question.check, question.model)


class PackagedTests:
    """Makes sure that every question is asked once, marks expected failures, and shortens error reports."""

    def __init__(self, settings: Settings, expected_failures: Sequence[ExpectedFailure]) -> None:
        self.settings = settings
        self.expected_failures = expected_failures
        if expected_failures:
            require_known(expected_failures, settings)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark every test of a saliency method; leave out packaged tests that are not planned or appear twice."""
        questions = {item: question_of(item) for item in items}
        in_own_files = {question for item, question in questions.items() if question and not item.getparent(Cell)}
        plan = require_plan(self.settings) if any(questions.values()) else None
        kept = []
        for item, question in questions.items():
            if question or METHOD in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.saliency)
            twice = item.getparent(Cell) and question in in_own_files
            if question and plan is not None and (twice or not is_planned(plan, question)):
                continue
            if about := subject_of(item, question):
                tell(item, about=about)
            if question:
                item.keywords[PACKAGED] = True
                tell(item, question=(question.method, question.model, question.check, question.variant))
                self._expect_failure(item, question)
            kept.append(item)
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell assertions how to run only this test again."""
        with rerun.running(lambda: command_for(item, self.settings, question_of(item))):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show only the message of a packaged test and where the method raised, not this package's own source."""
        question = question_of(item)
        error = call.excinfo.value if call.excinfo and question else None
        if error is not None:
            # pytest would parse the source of every frame, also of the method's.
            item.repr_failure = partial(_repr_of, error)  # type: ignore[method-assign]
        report = yield
        if isinstance(error, SaliencyAnswerChanged) and hasattr(report, "wasxfail"):
            del report.wasxfail  # a mark of the project expects any failure, but a change is none
            report.outcome = "failed"
        if isinstance(error, SPEAK_FOR_THEMSELVES) and report.failed:
            report.longrepr = text_of(error)
        if question:
            if call.when == "setup" or isinstance(error, Overdue):  # it runs again, or its answer came too late
                forget_result(item)
            tell(item, command=command_for(item, self.settings, question), reason=reason_of(error, report))
        attach(item, report)
        return report

    def _expect_failure(self, item: pytest.Item, question: Question) -> None:
        if reason := expected_reason(question, self.expected_failures):
            # Strict, so that a pass is an error. A crash raises another exception, so it is never expected.
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=SaliencyCheckFailed))


def _repr_of(error: BaseException, *_: object) -> str:
    return text_of(error)


def reason_of(error: BaseException | None, report: pytest.TestReport) -> str:
    """Return in a line why a packaged test was skipped or ended without a verdict; empty if it did neither."""
    if isinstance(error, SaliencyCheckFailed | pytest.xfail.Exception) or report.outcome == "passed":
        return ""
    text = str(report.longrepr) if error is None else getattr(error, "msg", None) or described(error)
    return str(text).partition("\n")[0]


def text_of(error: BaseException) -> str:
    """Return the text of a failed test: the message and where the method raised, or any other error's traceback."""
    if isinstance(error, pytest.xfail.Exception):
        return str(error.msg)
    if not isinstance(error, SPEAK_FOR_THEMSELVES):
        return traceback_of(error)
    return f"{error}\n\n{traceback_of(error.__cause__)}" if error.__cause__ else str(error)


def require_known(expected_failures: Sequence[ExpectedFailure], settings: Settings) -> None:
    """Raise pytest.UsageError if an expected failure matches no test of any given or registered method."""
    methods = {*settings.methods, *known_methods(), METHOD}
    models = {*settings.models, *(name for preset in PRESETS.all().values() for name in preset.networks), MODEL}
    hint = f" (a method or model given by a fixture is called {METHOD} or {MODEL})"
    try:
        require_meaningful(expected_failures, methods, models, hint)
    except ValueError as error:
        raise usage_error(str(error)) from error
