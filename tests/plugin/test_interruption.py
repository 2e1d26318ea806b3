"""SIGTERM interrupts a run, once, and is nobody's business before and after."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from support.runs import Run

from pytest_saliency_sanity.plugin.interruption import Interruption


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Nobody handles the signal."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


def test_it_is_heard_once() -> None:
    interruption = Interruption()
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
    interruption.pytest_unconfigure()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_it_does_not_disturb_the_reports_of_a_run_that_ends_anyway() -> None:
    interruption = Interruption()
    interruption.pytest_sessionfinish()
    signal.raise_signal(signal.SIGTERM)
    interruption.pytest_unconfigure()


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
