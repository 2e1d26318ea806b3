"""How far long work is: on a terminal, in a log, under capture and without, in workers, in scripts and notebooks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import nbclient
import nbformat
import pytest
from support.processes import printed_by
from support.runs import Run
from support.terminals import on_screen, run_in_terminal
from support.watching import Watching

from pytest_saliency_sanity import check_method
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.foundation import displays
from pytest_saliency_sanity.foundation.progress import choose_displays

# A bar appears almost at once, and a line is written after each step.
IMPATIENT = """
from pytest_saliency_sanity.foundation import displays
displays.PATIENCE, displays.TICK, displays.INTERVAL = 0.05, 0.05, 0.0
"""
# Its maps are not drawn before its bar was seen.
METHOD = """
import sys
import time
from pathlib import Path
from pytest_saliency_sanity import gradient
from pytest_saliency_sanity.foundation import displays

def patient(model, images, targets):
    sys.stdout.write("The method prints\\nhalf a line ")
    sys.stdout.flush()
    while not Path("seen").exists():
        time.sleep(0.01)
    print("and the other half.")
    return gradient(model, images, targets)

def in_a_notebook(model, images, targets):
    while not displays._kind_of_bar()._instances:  # of bars that are drawn
        time.sleep(0.01)
    return gradient(model, images, targets)
"""
BAR = r"0%\| +\| 0/10 \[00:\d\d<\?\] mymethods:patient on alexnet"
ONE = ("saliency-sanity", "-p", "no:randomly", "--saliency-model=alexnet", "--saliency-check=label_randomization")
IN_LOG = r"saliency-sanity: gradient on alexnet(: label_randomization)?: \d+ of \d+ explanations, \d+ s"
SCRIPT = """
from pytest_saliency_sanity import check_method
(result,) = check_method("{}", models=["alexnet"], checks=["label_randomization"], images=10)
print(result.verdict)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is written after each step."""
    monkeypatch.setattr(displays, "INTERVAL", 0.0)


@pytest.fixture
def display() -> Iterator[Watching]:
    watching = Watching()
    before = choose_displays(lambda: watching)
    yield watching
    choose_displays(before)


# On a terminal


def in_terminal(pytester: pytest.Pytester, *command: str) -> str:
    """Run Python in a terminal, let the method go on when a bar is seen, and return all that was written."""
    pytester.makepyfile(mymethods=METHOD)
    return run_in_terminal([sys.executable, *command], pytester.path, "| 0/10 [", (pytester.path / "seen").touch)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), r"saliency-sanity \. +\[100%\]"),
        pytest.param(("-q",), r"\. +\[100%\]", marks=pytest.mark.slow),
        pytest.param(
            ("-v",),
            r"saliency-sanity::mymethods:patient-alexnet::test_label_randomization PASSED +\[100%\]",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["as-usual", "q", "v"],
)
def test_a_terminal_shows_a_bar_that_leaves_no_trace(
    pytester: pytest.Pytester, arguments: tuple[str, ...], line: str
) -> None:
    pytester.makeconftest(IMPATIENT)
    written = in_terminal(pytester, "-m", "pytest", *ONE, "--saliency-method=mymethods:patient", *arguments)
    assert re.search(BAR, written)
    left = on_screen(written)
    assert [each for each in left if re.fullmatch(line, each)]
    assert not [each for each in left if "/10" in each or "half" in each]


@pytest.mark.slow
def test_without_capturing_the_bar_gives_way_to_what_the_method_prints(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(IMPATIENT)
    written = in_terminal(pytester, "-m", "pytest", *ONE, "--saliency-method=mymethods:patient", "-s")
    assert re.search(BAR, written)
    left = on_screen(written)
    assert left.count("half a line and the other half.") == 2
    assert not [each for each in left if "/10" in each]
    assert "1 passed" in left[-2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "argument",
    [
        "--capture=tee-sys",
        pytest.param("--log-cli-level=INFO", marks=pytest.mark.slow),
        pytest.param("-o log_cli=true", marks=pytest.mark.slow),
    ],
)
def test_where_no_bar_can_give_way_a_terminal_has_lines(pytester: pytest.Pytester, argument: str) -> None:
    pytester.makeconftest(IMPATIENT)
    command = [sys.executable, "-m", "pytest", *ONE, "--saliency-method=gradient", *argument.split()]
    written = run_in_terminal(command, pytester.path)
    assert "10 of 10 explanations" in written
    assert "/10 [" not in written


# In a log


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("arguments", [(), ("-s",), ("-q",), ("-p", "no:capture")], ids=" ".join)
def test_a_log_has_lines(quick: Run, arguments: tuple[str, ...]) -> None:
    result = quick("--saliency-method=gradient", *arguments)
    result.assert_outcomes(passed=1)
    told = [line for line in result.outlines if "explanations" in line]
    assert len(told) >= 2
    assert all(re.fullmatch(IN_LOG, line) for line in told)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("arguments", [("-qq",), ("-p", "no:terminal")], ids=" ".join)
def test_who_has_no_place_to_show_it_shows_nothing(quick: Run, arguments: tuple[str, ...]) -> None:
    result = quick("--saliency-method=gradient", *arguments)
    assert result.ret == pytest.ExitCode.OK
    assert "explanations" not in result.stdout.str() + result.stderr.str()


@pytest.mark.slow
def test_workers_show_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(IMPATIENT)
    result = pytester.runpytest_subprocess(*ONE, "-n", "2", "--saliency-method=gradient")
    assert result.ret == pytest.ExitCode.OK
    assert "explanations" not in result.stdout.str() + result.stderr.str()


def test_what_is_found_is_the_same_whether_it_is_told_of_or_not(quick: Run, request: pytest.FixtureRequest) -> None:
    runs = [quick("--saliency-method=gradient", "-v")]
    request.getfixturevalue("impatient")
    runs.append(quick("--saliency-method=gradient", "-v", "-s"))
    found = [each.stdout.str().partition("= saliency-sanity =")[2].rpartition("1 passed in")[0] for each in runs]
    assert found[0] == found[1] != ""


@pytest.mark.usefixtures("impatient")
def test_the_tests_of_a_project_tell_it_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "from pytest_saliency_sanity import src_profile, load_batch\n\n"
        "def test_it():\n    src_profile('gradient', 'alexnet', load_batch('mnist', n=10), at='last', seeds=2)\n"
    )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    # Those of the trained network, and two draws.
    result.stdout.fnmatch_lines(["saliency-sanity: gradient on alexnet: 30 of 30 explanations, * s"])


# Without pytest


def test_a_quick_answer_without_pytest_prints_nothing_else() -> None:
    assert printed_by(f"import sys\nsys.stderr = sys.stdout\n{SCRIPT.format('gradient')}") == "passed\n"


@pytest.mark.slow
def test_a_script_writes_lines_to_standard_error() -> None:
    script = f"import sys\nsys.stderr = sys.stdout\n{IMPATIENT}{SCRIPT.format('gradient')}"
    *told, verdict = printed_by(script).splitlines()
    assert verdict == "passed"
    assert len(told) >= 2
    assert all(re.fullmatch(IN_LOG, line) for line in told)


def test_a_script_draws_a_bar_on_a_terminal(pytester: pytest.Pytester) -> None:
    written = in_terminal(pytester, "-c", IMPATIENT + SCRIPT.format("mymethods:patient"))
    assert re.search(BAR, written)
    assert on_screen(written) == [*["The method prints", "half a line and the other half."] * 2, "passed", ""]


class Client(nbclient.NotebookClient):
    """Runs a notebook, and keeps what is shown while it runs."""

    shown = ""

    def process_message(self, msg: dict[str, Any], *where: Any) -> Any:
        if msg["msg_type"] == "stream":
            self.shown += msg["content"]["text"]
        return super().process_message(msg, *where)


@pytest.mark.slow
def test_a_notebook_shows_a_bar_and_does_not_keep_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(mymethods=METHOD)
    code = f"%cd {pytester.path}\n{IMPATIENT}{SCRIPT.format('mymethods:in_a_notebook')}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client = Client(notebook, kernel_name="python3")
    client.execute()
    assert re.search(BAR.replace("patient", "in_a_notebook"), client.shown)
    kept = {each.name: each.text.strip() for each in notebook.cells[0].outputs}
    assert kept["stdout"].splitlines()[-1] == "passed"
    assert kept["stderr"] == ""


# What is counted


@pytest.mark.slow
def test_every_check_does_as_much_as_it_says(display: Watching) -> None:
    check_method("gradient", models=["alexnet"])
    asked = [each for check in CHECKS.all().values() for each in check.ids if "scenes" not in check.needs]
    assert [work.name.rpartition(": ")[2] for work in display.ended] == ["gradient on alexnet", *asked]
    for work in display.ended:
        assert work.done == work.total > 0, work
