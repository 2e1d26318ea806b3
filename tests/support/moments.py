"""Runs pytest again and again in processes forked from one, each with a signal at another moment.

Moments are counted, not timed, so they are the same however fast a machine is: 0.25 is when a quarter of the lines of
this package have run that a run without a signal runs.

    python -m support.moments FOLDER SIGINT:0.25 SIGTERM:0.7 ... -- <arguments of pytest>

Each run has a folder of its own below FOLDER, numbered in order; 0 is the run without a signal. In it are the files
that it wrote, and ``printed``. A line of JSON on standard output tells of each: at which line the signal came, how many
lines ran, and its status, negative for a signal.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import pytest_saliency_sanity

PACKAGE = os.path.join(os.path.dirname(pytest_saliency_sanity.__file__), "")
NEVER = sys.maxsize
INTERRUPTED = 130  # the status that a shell gives to a process that Ctrl-C ended


class Moment:
    """Counts the lines of this package that run, and sends this process a signal at one of them."""

    def __init__(self, number: int, at: int) -> None:
        self.number = number
        self.at = at
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        """Trace a function of this package, line by line, and no other."""
        return self.line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def line(self, frame: FrameType, event: str, _: Any) -> Any:
        """Count a line."""
        if event == "line":
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), self.number)
        return self.line


def run(folder: Path, moment: Moment, arguments: list[str]) -> int:
    """Run pytest in a folder, with a signal at a moment; return its status."""
    os.chdir(folder)
    printed = os.open("printed", os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(printed, stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts in the background
    sys.settrace(moment)
    try:
        status = int(pytest.main(arguments))
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.settrace(None)
    Path("lines").write_text(str(moment.count))
    sys.stdout.flush()
    return status


def forked(folder: Path, moment: Moment, arguments: list[str]) -> dict[str, Any]:
    """Run it in a process of its own; return what is told of it."""
    folder.mkdir(parents=True)
    if not (child := os.fork()):
        status = 70
        try:
            status = run(folder, moment, arguments)
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    lines = folder / "lines"
    return {
        "folder": str(folder),
        "signal": signal.Signals(moment.number).name,
        "at": moment.at,
        "lines": int(lines.read_text()) if lines.exists() else 0,
        "status": os.waitstatus_to_exitcode(ended),
    }


def main() -> None:
    """Run it without a signal, then once for each moment."""
    import matplotlib.pyplot  # noqa: F401  (once for all runs)
    import torch._dynamo  # noqa: F401

    split = sys.argv.index("--")
    folder, *moments = sys.argv[1:split]
    lines = 0
    for index, each in enumerate([f"SIGINT:{NEVER}", *moments]):
        name, _, share = each.partition(":")
        moment = Moment(getattr(signal, name), int(float(share) * lines) if index else NEVER)
        told = forked(Path(folder) / str(index), moment, sys.argv[split + 1 :])
        lines = lines or told["lines"]
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()  # before the next fork


if __name__ == "__main__":
    main()
