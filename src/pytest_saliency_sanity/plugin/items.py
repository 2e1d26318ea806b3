"""The packaged tests, wherever they are collected: below ``saliency-sanity``, or in a file of the project's own.

A project commits one line, ``from pytest_saliency_sanity.suite import *``, and has the same tests under its own ids.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from traceback import format_exception

import pytest

from ..checks.expectations import ExpectedFailure, expected_reason, require_meaningful
from ..checks.plan import Question
from ..checks.registry import CHECKS
from ..foundation import rerun
from ..foundation.errors import SaliencyCheckFailed, SaliencyMethodError
from ..methods.registry import known_methods
from ..networks.presets.registry import PRESETS
from .collection import Cell
from .command import command_for
from .names import METHOD, MODEL, PACKAGED
from .settings import Settings


def question_of(item: pytest.Item) -> Question | None:
    """Return what a packaged test asks, None for any other test.

    What a fixture of the project gives is called by the fixture's name.
    """
    name = getattr(getattr(item, "function", None), "saliency_check", None)
    if name is None:
        return None
    given: Mapping[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    cell = item.getparent(Cell)
    method = cell.method if cell else given.get(f"{METHOD}_name", METHOD)
    model = cell.model if cell else given.get(f"{MODEL}_name", MODEL)
    return Question(method, model if CHECKS.named(name).by_model else "", name, given.get("variant", ""))


class PackagedTests:
    """Sees to it that every question is asked once, that expected failures are, and that answers can be read."""

    def __init__(self, settings: Settings, expected_failures: Sequence[ExpectedFailure]) -> None:
        self.settings = settings
        self.expected_failures = expected_failures
        if expected_failures:
            require_known(expected_failures, settings)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark every test that a saliency method is put to; leave out what is not asked for, or is asked twice."""
        questions = {item: question_of(item) for item in items}
        in_own_files = {question for item, question in questions.items() if question and not item.getparent(Cell)}
        planned = set(self.settings.plan.checks) if any(questions.values()) else set()
        kept = []
        for item, question in questions.items():
            if question or METHOD in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.saliency)
            if question and (question.id not in planned or (item.getparent(Cell) and question in in_own_files)):
                continue
            if question:
                item.keywords[PACKAGED] = True
                self._expect_failure(item, question)
            kept.append(item)
        items[:] = kept

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell assertions how to run just this test again."""
        with rerun.running(lambda: command_for(item, self.settings, question_of(item))):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Show of a packaged test what it says, and where the method raised: our own source tells the user nothing."""
        report = yield
        error = call.excinfo.value if call.excinfo and question_of(item) else None
        if isinstance(error, SaliencyCheckFailed | SaliencyMethodError) and report.failed:
            cause = "".join(format_exception(error.__cause__)) if error.__cause__ else ""
            report.longrepr = f"{error}\n\n{cause}".rstrip()
        return report

    def _expect_failure(self, item: pytest.Item, question: Question) -> None:
        if reason := expected_reason(question, self.expected_failures):
            # Strict: a pass is an error; and a crash, which is another exception, is never expected.
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True, raises=SaliencyCheckFailed))


def require_known(expected_failures: Sequence[ExpectedFailure], settings: Settings) -> None:
    """Raise pytest.UsageError for an expected failure that means no test of any method that is given or has a name."""
    methods = {*settings.methods, *known_methods(), METHOD}
    models = {*settings.models, *(name for preset in PRESETS.all().values() for name in preset.networks), MODEL}
    hint = f" (what a fixture gives is called {METHOD} or {MODEL})"
    try:
        require_meaningful(expected_failures, methods, models, hint)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error
