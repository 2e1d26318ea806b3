"""The command that runs the current test again."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.foundation.rerun import current_command, running


def test_outside_of_a_test_there_is_no_command() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pytest_saliency_sanity.foundation.rerun._commands", [])  # this is a test itself
        assert current_command() is None


def test_inside_it_is_asked_for_when_it_is_needed_and_the_innermost_counts() -> None:
    asked: list[str] = []

    def command(text: str) -> str:
        asked.append(text)
        return text

    before = current_command()
    with running(lambda: command("outer")):
        assert asked == []
        with running(lambda: command("inner")):
            assert current_command() == "inner"
        assert current_command() == "outer"
        with pytest.raises(KeyboardInterrupt), running(lambda: command("broken")):
            raise KeyboardInterrupt
        assert current_command() == "outer"
    assert current_command() == before
