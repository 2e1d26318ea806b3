"""Bars on terminals, lines in logs: when they appear, what they leave behind, and what others write meanwhile."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from time import monotonic, sleep

import pytest
from support.processes import imported_by, printed_by
from support.terminals import Terminal, on_screen

from pytest_saliency_sanity.foundation import displays
from pytest_saliency_sanity.foundation.displays import Bar, Lines, usual_display
from pytest_saliency_sanity.foundation.progress import Work


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal on which bars appear at once."""
    monkeypatch.setattr(displays, "PATIENCE", 0.01)
    monkeypatch.setattr(displays, "TICK", 0.01)
    terminal = Terminal()
    yield terminal
    terminal.close()


def some_work() -> Work:
    return Work("gradcam on alexnet: label_randomization", total=40, done=10)


def test_a_bar_shows_what_is_done_and_then_is_gone(terminal: Terminal) -> None:
    bar, work = Bar(terminal.stream, print), some_work()
    bar.begin(work)
    terminal.wait_for("25%|██▌       | 10/40 [00:00<")
    terminal.wait_for("] gradcam on alexnet: label_randomization")
    work.total, work.done, work.state = 80, 20, "loss=0.1"
    terminal.wait_for("| 20/80 [")
    terminal.wait_for("label_randomizatio")  # the line is cut off at the right end
    bar.end(work)
    assert on_screen(terminal.written()) == [""]


def test_a_bar_stands_below_the_line_that_goes_on_after_it(terminal: Terminal) -> None:
    terminal.stream.write("tests ..")
    bar, work = Bar(terminal.stream, print, lambda: len("tests ..")), some_work()
    bar.begin(work)
    terminal.wait_for("10/40")
    assert on_screen(terminal.written())[0] == "tests .."
    bar.end(work)
    terminal.stream.write(".\n")
    terminal.stream.flush()
    assert on_screen(terminal.written()) == ["tests ...", ""]


def test_a_bar_begins_a_line_if_nobody_knows_where_the_cursor_is(terminal: Terminal) -> None:
    terminal.stream.write("printed")
    bar, work = Bar(terminal.stream, print, lambda: None), some_work()
    bar.begin(work)
    terminal.wait_for("10/40")
    bar.end(work)
    assert on_screen(terminal.written()) == ["printed", ""]


def test_what_the_work_prints_stays_whole(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, terminal.stream)
    bar, work = Bar(terminal.stream, print), some_work()
    bar.begin(work)
    assert sys.stdout.isatty()
    for text in ("a line\n", "half ", "another", " line\r\n", "50 %\r", "end"):
        shown = terminal.written().count("10/40")
        while terminal.written().count("10/40") == shown:
            sleep(0.01)
        (sys.stdout if "line" in text else sys.stderr).write(text)
    bar.end(work)
    assert (sys.stdout, sys.stderr) == (terminal.stream, terminal.stream)
    assert on_screen(terminal.written())[:3] == ["a line", "half another line", "end%"]


def test_quick_work_shows_nothing_and_imports_no_bar() -> None:
    program = (
        "from pytest_saliency_sanity.foundation import displays\n"
        "from pytest_saliency_sanity.foundation.progress import *\n"
        "import sys\n"
        "for make in (displays.Bar, displays.Lines):\n"
        "    display = make(sys.stdout, print) if make is displays.Bar else make(print)\n"
        "    choose_displays(lambda: display)\n"
        "    with telling('quick'): expect(1); advance()\n"
    )
    assert printed_by(program) == ""
    assert "tqdm" not in imported_by(program)


def test_whoever_wants_no_bars_can_say_so_to_tqdm() -> None:
    program = (
        "import os, sys, threading, time\n"
        "threading.excepthook = lambda problem: os._exit(1)\n"
        "from pytest_saliency_sanity.foundation import displays\n"
        "from pytest_saliency_sanity.foundation.progress import Work\n"
        "displays.PATIENCE, work = 0.0, Work('gradcam', total=40)\n"
        "bar = displays.Bar(sys.stdout, print)\n"
        "bar.begin(work)\n"
        "while bar._bar is None: time.sleep(0.01)\n"
        "bar.end(work)\n"
    )
    assert "0/40" in printed_by(program)
    assert "40" not in printed_by(f"import os; os.environ['TQDM_DISABLE'] = '1'\n{program}")


def test_a_terminal_that_is_gone_harms_nobody(terminal: Terminal) -> None:
    bar, work = Bar(terminal.stream, print), some_work()
    bar.begin(work)
    terminal.wait_for("10/40")
    terminal.hang_up()
    bar.end(work)
    bar = Bar(terminal.stream, print, lambda: 7)
    bar.begin(work)
    bar._thread.join(20)  # there is nothing to draw on
    bar.end(work)


def test_a_bar_does_not_disturb_a_debugger(terminal: Terminal) -> None:
    bar, work = Bar(terminal.stream, print), some_work()

    def cmdloop() -> str:  # as the function in which pdb waits is called
        sleep(0.2)
        before = terminal.written()
        sleep(0.2)
        assert terminal.written() == before
        return before

    bar.begin(work)
    terminal.wait_for("10/40")
    count = cmdloop().count("10/40")
    terminal.wait_for("\n")  # and then a new bar below what was typed
    bar.end(work)
    assert terminal.written().count("10/40") > count
    assert "10/40" in on_screen(terminal.written())[0]


def test_lines_come_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    lines, work = Lines(written.append), some_work()
    lines.begin(work)
    for seconds in (1, 29, 31, 32, 60, 62):
        work.started = monotonic() - seconds
        lines.show(work)
    lines.end(work)
    line = "saliency-sanity: gradcam on alexnet: label_randomization: 10 of 40 explanations, {} s"
    assert written == [line.format(31), line.format(62)]


@pytest.mark.parametrize("total", [0, 5])
def test_a_bar_goes_on_if_there_is_more_to_do_than_expected(terminal: Terminal, total: int) -> None:
    bar, work = Bar(terminal.stream, print), Work("training", "epochs", total=total, done=7, before=6)
    bar.begin(work)
    terminal.wait_for("7 epochs so far [00:00] training")
    bar.end(work)


def test_outside_of_pytest_a_terminal_gets_a_bar_and_a_file_lines(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal.stream)
    assert isinstance(usual_display(), Bar)
    monkeypatch.setattr(sys, "stderr", file := io.StringIO())
    display = usual_display()
    assert isinstance(display, Lines)
    display.say("waiting")
    assert file.getvalue() == "waiting\n"
    monkeypatch.setattr(sys, "stderr", None)
    assert type(usual_display()).__name__ == "Silent"
