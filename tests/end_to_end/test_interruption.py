"""Ctrl-C and SIGTERM, alone and in workers: what ran so far is reported as partial, and the run is not green."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.packages import Install
from support.runs import Run, flat

from pytest_saliency_sanity.reports.registry import REPORTS

# As soon as a test has reported, the method waits, in whatever test it is in, until the run is interrupted.
PROJECT = """
import os
import signal
import time
from pathlib import Path
from pytest_saliency_sanity import gradient

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts tests in the background ignores it
WAIT = Path(__file__).with_name("wait")

def patient(model, images, targets):
    while WAIT.exists():
        time.sleep(0.01)
    return gradient(model, images, targets)

def pytest_saliency_methods():
    return {"patient": patient}

def pytest_runtest_logreport(report):
    if report.when == "call" and "PYTEST_XDIST_WORKER" not in os.environ:
        WAIT.touch()

def pytest_keyboard_interrupt():
    WAIT.unlink(missing_ok=True)

def pytest_sessionfinish():  # like that of pytest-xdist, which waits for its workers
    if "PYTEST_XDIST_WORKER" not in os.environ:
        print("reports before anything else:", Path("out", "results.json").exists())
"""
CHECKS = ("label_randomization", "class_sensitivity", "repeatability", "null_region")
COMMAND = [
    *(sys.executable, "-m", "pytest", "saliency-sanity", "-v", "-p", "no:randomly"),
    *("--saliency-method=patient", "--saliency-model=alexnet", "--saliency-images=10", "--saliency-report=out"),
    *(f"--saliency-check={check}" for check in CHECKS),
]


def interrupted(folder: Path, how: signal.Signals, *arguments: str, whole_group: bool) -> tuple[int, str]:
    """Run the project and send a signal when a test has reported; return the exit status and what was printed.

    ``whole_group``: to the workers too, as a terminal does when Ctrl-C is pressed.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )
    assert process.stdout is not None
    before = []
    for line in process.stdout:
        before.append(line)
        if "PASSED" in line:
            break
    (os.killpg if whole_group else os.kill)(process.pid, how)
    rest, _ = process.communicate()
    return process.returncode, "".join([*before, rest])


WORKERS = ("-n", "2")


@pytest.mark.parametrize(
    ("how", "arguments", "whole_group"),
    [
        pytest.param(signal.SIGINT, (), False, id="SIGINT"),
        pytest.param(signal.SIGTERM, (), False, id="SIGTERM"),
        pytest.param(signal.SIGINT, ("--saliency-isolate",), False, id="SIGINT-isolated", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, ("--saliency-isolate",), False, id="SIGTERM-isolated", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, WORKERS, True, id="SIGINT-to-all", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, WORKERS, False, id="SIGTERM-to-the-controller", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, WORKERS, False, id="SIGINT-to-the-controller", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, WORKERS, True, id="SIGTERM-to-all", marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_leaves_a_partial_report(
    pytester: pytest.Pytester, how: signal.Signals, arguments: tuple[str, ...], whole_group: bool
) -> None:
    pytester.makeconftest(PROJECT)
    status, printed = interrupted(pytester.path, how, *arguments, whole_group=whole_group)
    assert status == pytest.ExitCode.INTERRUPTED, printed
    record = json.loads((pytester.path / "out" / "results.json").read_text())
    ran = record["ran"]
    assert 1 <= ran < len(CHECKS) == record["planned"]
    assert record["problems"] == [f"interrupted: {ran} of {len(CHECKS)} packaged tests ran"]
    assert record["problems"][0] in printed
    assert "report: out/" in printed
    assert "reports before anything else: True" in printed
    assert "!! KeyboardInterrupt" in printed
    assert ("KeyboardInterrupt: SIGTERM" in printed) == (how is signal.SIGTERM)


LINELESS = """
import signal

def lost(model, images, targets): signal.raise_signal(signal.SIGINT)

lost.__code__ = lost.__code__.replace(co_linetable=b"")

def pytest_saliency_methods(): return {"lost": lost}
"""


def test_a_signal_at_an_instruction_without_a_line_ends_the_run_like_any_other(
    quick: Run, pytester: pytest.Pytester
) -> None:
    pytester.makeconftest(LINELESS)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = quick("--saliency-method=lost", "--saliency-report=out", no_reraise_ctrlc=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.ret == pytest.ExitCode.INTERRUPTED, flat(result)
    assert "!! KeyboardInterrupt" in flat(result)
    assert json.loads((pytester.path / "out" / "results.json").read_text())["ran"] == 0


THEIRS = """
import signal
from pytest_saliency_sanity.reports.registry import Report

def write(run, path): signal.raise_signal(signal.SIGINT)  # as if the user lost patience just then

report = Report("theirs", "a long one", "theirs.txt", write)
"""


def test_ctrl_c_while_a_report_is_written_gives_up_that_report_only(
    quick: Run, install: Install, pytester: pytest.Pytester
) -> None:
    install("their-package", REPORTS.group, {"theirmodule": THEIRS}, theirs="theirmodule:report")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = quick("--saliency-method=gradcam", "--saliency-report=out")
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["gradcam on alexnet: 1 of 1 passed"])
    assert "not green: the report theirs was not written: KeyboardInterrupt" in flat(result)
    assert json.loads((pytester.path / "out" / "results.json").read_text())["ran"] == 1
    assert not (pytester.path / "out" / "theirs.txt").exists()
