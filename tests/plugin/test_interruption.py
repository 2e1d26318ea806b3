"""SIGTERM interrupts a run, once, and is nobody's business before and after."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from support.runs import Run

from pytest_saliency_sanity.plugin.interruption import Interruption, giving_up


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Nobody handles the signals."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL), signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_it_is_heard_once() -> None:
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    interruption.pytest_unconfigure()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_it_does_not_disturb_the_reports_of_a_run_that_ends_anyway() -> None:
    interruption = Interruption()
    status = reported(interruption, lambda: signal.raise_signal(signal.SIGTERM))
    interruption.pytest_unconfigure()
    assert status == pytest.ExitCode.INTERRUPTED


def reported(interruption: Interruption, report: Callable[[], object], status: int = 0) -> int:
    """Report a run; return its exit status in the end."""
    session: Any = SimpleNamespace(exitstatus=status)
    hook = interruption.pytest_sessionfinish(session)
    next(hook)
    try:
        report()
    finally:
        with suppress(StopIteration):
            hook.send(None)
    return int(session.exitstatus)


def test_ctrl_c_between_reports_is_kept_in_mind_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    interruption = Interruption()
    assert reported(interruption, lambda: signal.raise_signal(signal.SIGINT)) == pytest.ExitCode.INTERRUPTED
    assert reported(Interruption(), lambda: None) == pytest.ExitCode.OK
    assert reported(Interruption(), lambda: signal.raise_signal(signal.SIGINT), 1) == pytest.ExitCode.TESTS_FAILED
    assert signal.getsignal(signal.SIGINT) is before


def twice() -> None:
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)


def during_a_report() -> None:
    with giving_up():
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("report", [twice, during_a_report])
def test_ctrl_c_ends_a_report_and_pressed_again_the_run(report: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt):
        reported(Interruption(), report)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "handled"])
def test_the_handler_of_somebody_else_is_left_alone(handler: Callable[..., object]) -> None:
    signal.signal(signal.SIGTERM, handler)
    interruption = Interruption()
    assert signal.getsignal(signal.SIGTERM) is handler
    interruption.pytest_unconfigure()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_handler_that_somebody_else_puts_in_its_place_is_left_alone() -> None:
    interruption = Interruption()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interruption.pytest_unconfigure()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_another_thread_can_handle_no_signals() -> None:
    thread = Thread(target=Interruption)  # an exception would be a warning, and so an error
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_only_a_run_with_a_method_listens(pytester: pytest.Pytester, quick: Run) -> None:
    told = "import signal\n\ndef test_it():\n    assert (signal.getsignal(signal.SIGTERM) is signal.SIG_DFL) is {}\n"
    pytester.makepyfile(told.format(True))
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.makepyfile(told.format(False))
    quick("--saliency-method=gradcam").assert_outcomes(passed=2)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
