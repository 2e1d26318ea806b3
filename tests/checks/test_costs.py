"""What the questions about a slow method will take is said beforehand, and only if it is long."""

from __future__ import annotations

import logging
import re

import pytest
from support.runs import PER_MODEL

from pytest_saliency_sanity import check_method
from pytest_saliency_sanity.checks import costs
from pytest_saliency_sanity.checks.costs import LONG, announcement

SAID = r"saliency-sanity: gradient on alexnet takes about 0 min: \S+ s an explanation, {} questions"


def test_less_than_a_minute_is_not_announced() -> None:
    assert LONG == 60
    assert announcement("it", "net", 0.5, 5.99, 10) == ""
    assert announcement("it", "net", 0.5, 100.0, 0) == ""


def test_a_minute_or_more_is_announced_with_what_it_is_made_of() -> None:
    assert announcement("it", "net", 0.5, 6.0, 10) == (
        "saliency-sanity: it on net takes about 1 min: 0.5 s an explanation, 10 questions"
    )
    assert "takes about 20 min: 1.2 s an explanation" in announcement("it", "net", 1.234, 120.0, 10)


def test_check_method_logs_it_for_every_model(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> list[str]:
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="pytest_saliency_sanity"):
            check_method("gradient", models=["alexnet"], checks=["class_sensitivity", "repeatability"], explain=False)
        return [record.getMessage() for record in caplog.records]

    assert said() == []
    monkeypatch.setattr(costs, "LONG", 0.0)
    (only,) = said()
    assert re.fullmatch(SAID.format(2), only)


def test_check_method_logs_nothing_of_a_method_that_raises(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object) -> None:
        raise KeyError("it")

    monkeypatch.setattr(costs, "LONG", 0.0)
    with pytest.raises(RuntimeError, match="the trained model: the method raised KeyError"):
        check_method(raising, models=["alexnet"], checks=["repeatability"])  # type: ignore[arg-type]
    assert not caplog.records


@pytest.mark.parametrize("arguments", [(), ("-s",), ("-p", "no:terminal")])
def test_the_plugin_prints_it_once_for_each_model(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setattr(costs, "LONG", 0.0)
    result = pytester.runpytest_inprocess(
        *("--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-check=class_sensitivity"),
        *("--saliency-check=repeatability", *arguments),
    )
    lines = [line for line in result.outlines if " takes about " in line]
    if "no:terminal" in arguments:
        assert lines == []
    else:
        assert len(lines) == 1
        assert re.fullmatch(SAID.format(2), lines[0])
    assert PER_MODEL > 2


def test_the_plugin_prints_nothing_of_a_method_that_is_fast(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_inprocess(
        "--saliency-method=gradient", "--saliency-model=alexnet", "--saliency-check=repeatability"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("* takes about *")
