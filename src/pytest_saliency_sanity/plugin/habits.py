"""Tells what a method did during its test that costs memory, for a note in the summary."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from .account import ACCOUNT, tell


class Habits:
    """Observes the method of each test that is about one."""

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Observe a test, and tell if there is anything to tell of."""
        if "about" not in item.stash.get(ACCOUNT, {}):
            return (yield)
        from ..foundation.habits import observing

        habits = None
        try:
            with observing() as habits:
                return (yield)
        finally:
            if habits and (told := habits.told()):
                tell(item, habits=told)
