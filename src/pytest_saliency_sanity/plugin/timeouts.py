"""``--saliency-timeout``: a question that takes longer fails, and the others are still answered."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TextIO

import pytest

from ..foundation.timeouts import named, time_limit, why_no_limit
from .blame import usage_error
from .items import question_of

TODO = "Raise the limit, explain fewer images (--saliency-images=10), or look there for what it waits for."


class Timeouts:
    """Limits the time of each question: that of its test, not that of fixtures, which may have to train networks.

    ``source``: the option or ini key of the limit. Raises pytest.UsageError if nothing can be interrupted here.
    """

    def __init__(self, seconds: float, source: str) -> None:
        if why := why_no_limit():
            raise usage_error(f"{source}: there can be no time limit here: {why}")
        self.seconds = seconds
        self.source = source
        self.stderr: TextIO = _copy_of_stderr()  # while pytest does not capture: during a test it would lead nowhere

    def pytest_unconfigure(self) -> None:
        """Close the copy."""
        self.stderr.close()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Limit the time of a packaged test."""
        question = question_of(item)
        if question is None:
            return (yield)
        about = f"{question.method} on {question.model}" if question.model else question.method
        what = f"{about}, {question.id}: no answer after {self.seconds:g} s ({self.source}={self.seconds:g})"
        item.runtest = named(item.runtest, what)  # type: ignore[method-assign]
        try:
            with time_limit(self.seconds, what, TODO, self.stderr):
                return (yield)
        finally:
            del item.runtest  # of the object; its class has its own


def _copy_of_stderr() -> TextIO:
    try:
        assert sys.__stderr__ is not None
        number = os.dup(sys.__stderr__.fileno())
    except (AssertionError, OSError, ValueError):  # without a console
        number = os.open(os.devnull, os.O_WRONLY)
    return os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace")
