"""Runs tests in child processes that are forked from one in which all is imported and collected.

A child that has changed something, or hangs, or crashes, harms nobody else.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import format_exc
from typing import Any

import pytest

MOST_MEMORY = 2**33  # bytes of a process: a mutant may ask for all there is


@dataclass(frozen=True)
class Outcome:
    """What tests said to a mutant. ``by``: the test that failed, or what else ended the run; empty if none did."""

    by: str
    seconds: float = 0.0

    @property
    def is_killed(self) -> bool:
        """Whether the mutant was noticed."""
        return bool(self.by)


class Failures:
    """A plugin that keeps the first test that failed, and ends the run there."""

    def __init__(self) -> None:
        self.first = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a failure."""
        if report.failed:
            self.first = self.first or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep a test file that can't be collected."""
        if report.failed:
            self.first = self.first or f"{report.nodeid} can't be collected"


def run_items(items: Sequence[pytest.Item], failures: Failures) -> None:
    """Run tests that are collected, up to the first failure."""
    for place, item in enumerate(items):
        following = items[place + 1] if place + 1 < len(items) else None
        try:
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        except BaseException as error:  # a mutant may harm pytest itself, by the plugin
            failures.first = f"{item.nodeid} ended pytest: {type(error).__name__}: {error}"
        if failures.first:
            return


def in_a_child(work: Callable[[], Any], *, limit: float, log: Path) -> Any:
    """Return what work in a forked child returns, which must be JSON; or why it died, a text.

    ``limit``: the seconds after which it is killed. ``log``: where it and its children print to.
    Raises RuntimeError if the work raises.
    """
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiving)
        _be_a_child(work, sending, log)
    os.close(sending)
    with suppress(OSError):  # also here: who is first does not matter
        os.setpgid(child, child)
    try:
        answer = _read(receiving, time.monotonic() + limit)
    finally:
        os.close(receiving)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is None:
        return f"hangs: not done in {limit:.0f} s"
    if not answer:
        return f"the process died, with the status {status}"
    returned, error = json.loads(answer)
    if error:
        raise RuntimeError(error)
    return returned


def _be_a_child(work: Callable[[], Any], sending: int, log: Path) -> None:
    """Do the work, send what it returns, and end."""
    with suppress(OSError):
        os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    try:
        with log.open("ab", 0) as file:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        try:
            data = json.dumps([work(), None]).encode()
        except BaseException:
            data = json.dumps([None, format_exc()]).encode()
        while data:
            data = data[os.write(sending, data) :]
    finally:
        os._exit(0)


def _read(descriptor: int, until: float) -> bytes | None:
    """Return what a pipe gives up to its end; None if time is over before."""
    data = b""
    while select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
        some = os.read(descriptor, 2**16)
        if not some:
            return data
        data += some
    return None


def outcome_of(work: Callable[[], str], *, limit: float, log: Path) -> Outcome:
    """Return the outcome of a trial in a child; ``work`` returns the name of the test that failed."""
    begin = time.monotonic()
    return Outcome(str(in_a_child(work, limit=limit, log=log)), round(time.monotonic() - begin, 2))
