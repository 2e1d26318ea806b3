"""Work is told of to a display: what it is, how much there is and how much is done."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from support.watching import Watching

from pytest_saliency_sanity.foundation.progress import (
    Work,
    advance,
    choose_displays,
    expect,
    say,
    telling,
)


@pytest.fixture
def display() -> Iterator[Watching]:
    watching = Watching()
    before = choose_displays(lambda: watching)
    yield watching
    assert choose_displays(before)() is watching


def test_work_is_told_of_from_its_begin_to_its_end(display: Watching) -> None:
    with telling("gradcam on alexnet"):
        expect(40)
        advance(10)
        expect(80)
        advance(10)
    assert display.events == ["begin", "show", "show", "end"]
    assert (display.last.name, display.last.done, display.last.total) == ("gradcam on alexnet", 20, 120)


def test_work_within_other_work_is_a_part_of_it(display: Watching) -> None:
    with telling("a question"), telling("a table"):
        expect(2)
        advance()
    assert display.events == ["begin", "show", "end"]
    assert (display.last.name, display.last.done, display.last.total) == ("a question", 1, 2)


def test_the_end_is_told_after_an_exception_too(display: Watching) -> None:
    for _ in range(2):  # and what comes next is told of again
        with pytest.raises(KeyboardInterrupt), telling("work"):
            raise KeyboardInterrupt
    assert display.events == ["begin", "end"] * 2


def test_what_nobody_tells_of_is_counted_nowhere(display: Watching) -> None:
    expect(3)
    advance()
    assert display.events == []


def test_another_thread_counts_but_does_not_touch_the_display(display: Watching) -> None:
    with telling("work"):
        thread = Thread(target=advance, args=(5,))
        thread.start()
        thread.join()
    assert display.events == ["begin", "end"]
    assert display.last.done == 5


def test_the_work_of_another_thread_is_not_told_of(display: Watching) -> None:
    def work() -> None:
        with telling("work"):
            advance()

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert display.events == []


def test_what_is_said_reaches_the_display(display: Watching) -> None:
    say("waiting")
    assert display.told == [("say", "waiting")]


@pytest.mark.parametrize(
    ("total", "done", "state", "text"),
    [
        (40, 10, "", "gradcam: 10 of 40 epochs, 0 s"),
        (40, 0, "", "gradcam: 0 of 40 epochs, 0 s"),
        (0, 10, "", "gradcam: 10 epochs, 0 s"),
        (40, 41, "", "gradcam: 41 epochs, 0 s"),  # it takes longer than expected
        (40, 10, "loss=0.1", "gradcam, loss=0.1: 10 of 40 epochs, 0 s"),
    ],
)
def test_a_line_says_how_far_it_is(total: int, done: int, state: str, text: str) -> None:
    assert str(Work("gradcam", "epochs", total=total, done=done, state=state)) == text


def test_units_that_were_done_before_are_not_counted_as_work(display: Watching) -> None:
    with telling("a training", "epochs"):
        expect(10, done=4)
        advance()
    assert (display.last.done, display.last.before, display.last.total) == (5, 4, 10)
