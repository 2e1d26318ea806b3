"""Changes the code that decides, one small change at a time, and says which changes no test notices.

``python benchmarks/mutants.py`` goes over all files that ``mutation/targets.py`` names, and needs the extra
``mutation``. It works in a copy of the project, keeps what it found, and goes on from there when it is run again. It
ends with 1 if a mutant survives that ``mutation/survivors.toml`` does not list with a reason.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

# These take seconds to import, so it is done once, and not by each process that is forked.
import hypothesis  # noqa: F401
import scipy.special  # noqa: F401
import torch
from documents import DOCS, rewrite
from mutation.results import Result
from mutation.run import Run
from mutation.survivors import KINDS, Survivor, listed
from mutation.targets import mutated_files, test_files
from mutation.workshop import PACKAGE, copy_of_the_project

FOLDER = Path(tempfile.gettempdir(), "pytest-saliency-sanity-mutants")


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    torch.set_num_threads(1)  # a process that is forked has no others
    options.folder.mkdir(parents=True, exist_ok=True)
    root = copy_of_the_project(options.folder.resolve() / "project")
    files = [file for file in mutated_files(root) if any(each in file for each in options.files or [""])]
    run = Run(root, options.folder, test_files(root), most=options.seconds)
    run.trace_tests(files)
    reasons = listed()
    results = run.over(files, lambda each: reason_of(each, reasons) is not None)
    if options.write:
        rewrite(DOCS / "reliability.md", "mutants", table(results, reasons))
    left = unexplained(results, reasons)
    for each in sorted(left, key=lambda each: (each.file, each.number)):
        print(f"{each.file}:{each.number} {each.operator}\n  - {each.line}\n  + {each.becomes}")
    print(
        f"{len(results)} mutants, {sum(each.is_killed for each in results)} killed, {len(left)} left without a reason"
    )
    return 1 if left else 0


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="*", help="mutate only files whose path contains one of these")
    options.add_argument("--folder", type=Path, default=FOLDER, help="where to work and to keep results: %(default)s")
    options.add_argument("--seconds", type=float, default=40, help="the most that a mutant's tests take: %(default)s")
    options.add_argument("--write", action="store_true", help="write the table in docs/reliability.md anew")
    return options


def unexplained(results: Sequence[Result], reasons: Sequence[Survivor]) -> list[Result]:
    """Return the mutants that survive without a reason."""
    return [each for each in results if not each.is_killed and not reason_of(each, reasons)]


def reason_of(result: Result, reasons: Sequence[Survivor]) -> Survivor | None:
    """Return why no test need notice a mutant, if that is listed."""
    given = (each for each in reasons if (result.file, result.line) == (f"{PACKAGE}/{each.file}", each.line))
    return next((each for each in given if result.becomes in each.becomes), None)


def table(results: Sequence[Result], reasons: Sequence[Survivor]) -> list[str]:
    """Return a table of what became of the mutants of each file."""
    head = ["File", "Mutants", "Killed", *(kind.capitalize() for kind in KINDS), "Open", "Minutes"]
    by_file: dict[str, list[Result]] = {}
    for each in results:
        by_file.setdefault(each.file.removeprefix(f"{PACKAGE}/"), []).append(each)
    rows = [[f"`{file}`", *counts(some, reasons)] for file, some in by_file.items()]
    return [line(head), line(["---"] * len(head)), *map(line, rows), line(["all", *counts(results, reasons)])]


def counts(results: Sequence[Result], reasons: Sequence[Survivor]) -> list[str]:
    """Return the cells of some results."""
    survivors = [reason_of(each, reasons) for each in results if not each.is_killed]
    kinds = [sum(each is not None and each.kind == kind for each in survivors) for kind in KINDS]
    minutes = sum(each.seconds for each in results) / 60
    left = len(survivors) - sum(kinds)
    return [*map(str, (len(results), len(results) - len(survivors), *kinds, left)), f"{minutes:.1f}"]


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    # The threads of numpy are counted when it is imported. In a process that is forked, more than one can hang.
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "OMP_NUM_THREADS": "1"})
    sys.exit(main())
