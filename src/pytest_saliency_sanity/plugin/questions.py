"""The packaged tests, wherever they are collected: below ``saliency-sanity``, or in a file of the project's own.

A project commits one line, ``from pytest_saliency_sanity.suite import *``, and has the same tests under its own ids.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from traceback import format_exception
from typing import NamedTuple

import pytest

from ..checks.catalogue import CHECKS, question_ids
from ..checks.expectations import ExpectedFailure, matches
from ..foundation.errors import SaliencyCheckFailed, SaliencyMethodError
from ..methods.registry import known_methods
from ..networks.architectures import MODELS
from .collection import METHOD, MODEL, PACKAGED, Cell
from .settings import Settings

SUITE_MODULE = "pytest_saliency_sanity.suite"


class Question(NamedTuple):
    """What a packaged test asks: the method, the model (empty where it is asked of the method alone), the check."""

    method: str
    model: str
    check: str


def question_of(item: pytest.Item) -> Question | None:
    """Return what a packaged test asks, None for any other test."""
    if not isinstance(item, pytest.Function) or item.function.__module__ != SUITE_MODULE:
        return None
    function = item.function
    name = function.__name__.removeprefix("test_")  # whatever a project calls it
    given: Mapping[str, str] = getattr(getattr(item, "callspec", None), "params", {})
    cell = item.getparent(Cell)
    method = cell.method if cell else given.get(f"{METHOD}_name", METHOD)
    model = (cell.model or "") if cell else given.get(f"{MODEL}_name", MODEL)
    variant = given.get("variant")
    return Question(method, model if CHECKS[name].by_model else "", f"{name}[{variant}]" if variant else name)


class Questions:
    """Sees to it that every question is asked once, that expected failures are, and that answers can be read."""

    def __init__(self, settings: Settings, expected_failures: Mapping[str, ExpectedFailure]) -> None:
        self.settings = settings
        self.expected_failures = expected_failures
        require_known(expected_failures, settings)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark every test that a saliency method is put to; leave out what is not asked for, or is asked twice."""
        questions = {item: question_of(item) for item in items}
        in_own_files = {question for item, question in questions.items() if question and not item.getparent(Cell)}
        kept = []
        for item, question in questions.items():
            if question or METHOD in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.saliency)
            if question and (not self._asked_for(question) or (item.getparent(Cell) and question in in_own_files)):
                continue
            if question:
                item.keywords[PACKAGED] = True
                self._expect_failure(item, question)
            kept.append(item)
        items[:] = kept

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

    def _asked_for(self, question: Question) -> bool:
        return question.check.partition("[")[0] in self.settings.checks

    def _expect_failure(self, item: pytest.Item, question: Question) -> None:
        for pattern, expected in self.expected_failures.items():
            if matches(pattern, *question):
                # Strict: a pass is an error; and a crash, which is another exception, is never expected.
                item.add_marker(pytest.mark.xfail(reason=expected.reason, strict=True, raises=SaliencyCheckFailed))
                return


def require_known(expected_failures: Mapping[str, ExpectedFailure], settings: Settings) -> None:
    """Raise pytest.UsageError for an expected failure that means no test of any method that is given or has a name."""
    methods = {*settings.methods, *known_methods(), METHOD}
    models = {"", *settings.models, *MODELS, MODEL}
    for pattern, expected in expected_failures.items():
        method_part, model_part, _ = pattern.split("/")
        if not any(
            matches(pattern, method, model, check)
            for method in (*methods, *by_path(method_part))
            for model in (*models, *by_path(model_part))
            for check in question_ids(CHECKS)
        ):
            raise pytest.UsageError(
                f"{expected.source}: the expected failure {pattern!r} means no test: no method, model or check of its "
                f"names exists. Take it out, or mend its spelling (what a fixture gives is called {METHOD} or {MODEL})"
            )


def by_path(part: str) -> tuple[str, ...]:
    """Return the part of a pattern if it is an import path or a library's class: another run may be given it."""
    return (part,) if ":" in part and "*" not in part else ()
