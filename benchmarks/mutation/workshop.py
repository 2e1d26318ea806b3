"""A copy of the project in which files are mutated, and pytest in it; the project itself stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from compileall import compile_dir
from pathlib import Path

import pytest

from .trials import Failures, run_items

ROOT = Path(__file__).parents[2]
PACKAGE = "src/pytest_saliency_sanity"
# What is imported before, so that it need not be in each child, can't be rewritten for pytest; nobody needs that.
QUIET = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")


def copy_of_the_project(to: Path) -> Path:
    """Copy what git knows or does not ignore, as it is now, to a folder; let all imports come from there."""
    shutil.rmtree(to, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in os.fsdecode(listed.stdout).split("\0"):
        if name and (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    compile_dir(to / "src", quiet=2)  # once: what is written later is no bytecode
    use(to)
    return to


def use(root: Path) -> None:
    """Work in a folder, here and in processes that are started: its package is the one that is imported."""
    os.chdir(root)
    source = str(root / "src")
    sys.path.insert(0, source)
    sys.dont_write_bytecode = True  # a mutant's must not be taken for the file's
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))


class Instead:
    """A plugin that does something else with the tests that are collected than to run them."""

    def __init__(self, work: Callable[[list[pytest.Item], Failures], None]) -> None:
        self.work = work
        self.failures = Failures()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Do it."""
        if not self.failures.first:
            self.work(session.items, self.failures)
        return True


def with_tests(files: Sequence[str], work: Callable[[list[pytest.Item], Failures], None]) -> str:
    """Collect test files and work with what was collected; return what failed, or why there is nothing to work with."""
    plugin = Instead(work)
    code = pytest.main([*QUIET, *files], plugins=[plugin, plugin.failures])
    ended = "" if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) else f"pytest ended: {code!r}"
    return plugin.failures.first or ended


def run_tests(tests: Sequence[str]) -> str:
    """Run tests, in order, and return the first that fails; empty if none does."""

    def run(items: list[pytest.Item], failures: Failures) -> None:
        found = {item.nodeid: item for item in items}
        if missing := [each for each in tests if each not in found]:
            failures.first = f"{missing[0]} is not collected any more"
        else:
            run_items([found[each] for each in tests], failures)

    return with_tests(list(dict.fromkeys(each.partition("::")[0] for each in tests)), run)
