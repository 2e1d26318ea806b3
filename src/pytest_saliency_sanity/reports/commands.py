"""What ``compare``, ``merge`` and ``report`` do. Each prints, and returns the exit status."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections import Counter
from pathlib import Path

from ..drawing.style import MISSING, can_draw
from ..foundation.files import takes_files
from .comparing import files
from .comparing.difference import compare, lines
from .comparing.merging import MergeError, merge
from .json_report import read
from .loading import arrays_beside, load
from .registry import REPORTS
from .run import Run
from .text.columns import plain
from .text.wording import counted


def compare_runs(options: Namespace) -> int:
    """Print the difference of two runs, and write it to a folder if one is given; 1 if there is any.

    Raises ValueError if a file is not a run, or the folder can't be written to.
    """
    a, b, folder = options.a, options.b, options.output and made(options.output)
    difference = compare(read(a), read(b), (str(a), str(b)))
    for line in lines(difference):
        print(line)
    if folder:
        if not can_draw():
            print(MISSING, file=sys.stderr)
        for path in files.write(difference, folder, drawn=can_draw()):
            print(f"written: {path}")
    return int(bool(difference.changed))


def merge_runs(options: Namespace) -> int:
    """Join runs, and write every report of the whole; 1 if a report could not be written.

    Raises ValueError if a file is not a run, if they do not fit, or the folder can't be written to.
    """
    given: list[Path] = options.runs
    if len({file.resolve() for file in given}) < len(given):
        raise MergeError("a file is given twice")
    if options.output.resolve() in {file.resolve().parent for file in given}:
        raise MergeError(f"{options.output} has one of these runs in it, which would be overwritten: name another")
    run = merge({str(file): loaded(file) for file in given})
    folder = made(options.output)
    outcomes = Counter(record.outcome for record in run.records)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{counted(len(given), 'run')}, {counted(len(run.records), 'question')}: {counts}")
    for problem in run.problems:
        print(f"not green: {plain(problem)}")
    return write_reports(run, folder)


def render_report(options: Namespace) -> int:
    """Write every report of a run again, without running it; 1 if one could not be written.

    Raises ValueError if the file is not a run, or the folder can't be written to.
    """
    run = loaded(options.run_file)
    return write_reports(run, made(options.output or options.run_file.parent))


def loaded(file: Path) -> Run:
    """Return the run of a ``results.json``, and say so if it comes without arrays."""
    run = load(file)
    if not arrays_beside(file).exists():
        print(f"{arrays_beside(file)} is missing, so there are no maps of {file} to show", file=sys.stderr)
    return run


def write_reports(run: Run, folder: Path) -> int:
    """Write every registered report to a folder; 1 if one could not be written."""
    status = 0
    for name, report in REPORTS.all().items():
        try:
            paths = report.write_to(folder, run)
            print(f"written: {paths[0] if len(paths) == 1 else f'{folder / report.file} ({len(paths)} files)'}")
        except Exception as error:  # another package's report can raise anything
            print(f"error: the report {name} was not written: {type(error).__name__}: {error}", file=sys.stderr)
            status = 1
    return status


def made(folder: Path) -> Path:
    """Return a folder, made if it is missing. Raises ValueError if it can't be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"the folder {folder} can't be made: {error.strerror or error}") from error
    if not takes_files(folder):
        raise ValueError(f"the folder {folder} can't be written to: name another")
    return folder
