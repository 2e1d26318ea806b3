"""A run over some files: traces their tests, tries their mutants, and says which survive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from types import FunctionType

import pytest

from .grafting import functions_of, graft
from .mutants import Mutant, mutants_of
from .results import Result, Results
from .targets import matters, mirrored
from .tracing import Trace, traced
from .trials import Failures, in_a_child, outcome_of, run_items
from .workshop import run_tests, with_tests

CAN_NOT = "can't be grafted"
TO_TRACE = 3600.0  # seconds


class Run:
    """Mutates files below ``root`` and puts the mutants to tests.

    ``folder``: where results, the trace and the log are kept. ``tests``: the files of tests that may notice a mutant.
    ``most``: the seconds that a mutant's tests may take, without those of the test file that mirrors its own.
    """

    def __init__(self, root: Path, folder: Path, tests: Sequence[str], *, most: float) -> None:
        self.root = root
        self.tests = tests
        self.most = most
        self.log = folder / "log.txt"
        self.results = Results(folder / "results.jsonl")
        self.trace = Trace(root, folder / "trace.json")
        self.version = sha256(b"\n".join((root / each).read_bytes() for each in tests)).hexdigest()[:20]
        self.told: Callable[[str], None] = print

    def mutants(self, file: str) -> list[Mutant]:
        """Return the mutants of a file."""
        found = mutants_of(file, (self.root / file).read_text())
        return [each for each in found if matters(file, each.operator)]

    def over(self, files: Sequence[str], settled: Callable[[Result], bool] = lambda _: False) -> list[Result]:
        """Try every mutant of files that has no result yet, and return the results of all.

        ``settled``: whether a mutant that survived need not be tried again.
        """
        mutants = {file: self.mutants(file) for file in files}
        missing = self.results.missing([each for some in mutants.values() for each in some], self.version, settled)
        self.told(f"{len(missing)} of {sum(map(len, mutants.values()))} mutants to try")
        if missing:
            rest = self._by_grafting(missing)
            self.told(f"{len(rest)} of them change what is done on import")
            for mutant in rest:
                self._by_import(mutant)
        return [each for some in mutants.values() for each in self.results.of(some)]

    def trace_tests(self, files: Sequence[str]) -> None:
        """Find out which tests run which lines of files, unless it is known. Needed before ``over``."""
        stale = sorted({test for file in files for test in self.trace.stale(self.tests, file)})
        if not stale:
            return
        self.told(f"running the tests of {len(stale)} files to see which lines they run")
        ended = in_a_child(lambda: self._trace_each(stale, files), limit=TO_TRACE, log=self.log)
        if ended:
            raise RuntimeError(f"the tests can't be run: {ended}; see {self.log}")
        self.trace = Trace(self.root, self.trace.path)  # which the child has written

    def _trace_each(self, tests: Sequence[str], files: Sequence[str]) -> str:
        return with_tests(tests, lambda items, failures: self._trace_items(items, failures, files))

    def _trace_items(self, items: Sequence[pytest.Item], failures: Failures, files: Sequence[str]) -> None:
        """Trace each test file in a child, and keep what is known at once."""
        for test_file, some in groupby(items, lambda item: item.nodeid.partition("::")[0]):
            work = partial(traced, list(some), failures, self.root, files)
            self.trace.add([test_file], files, in_a_child(work, limit=TO_TRACE, log=self.log))

    def _by_grafting(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Try mutants in children of a process in which all tests are collected; return those that need an import."""
        chosen = {each.key: self._tests_for(each) for each in mutants}
        needed = sorted({test.partition("::")[0] for tests in chosen.values() for test in tests})
        keys = in_a_child(lambda: self._grafted(mutants, chosen, needed), limit=1e6, log=self.log)
        if not isinstance(keys, list):
            raise RuntimeError(f"the tests can't be collected: {keys}; see {self.log}")
        self.results = Results(self.results.path)  # which the child has written
        return [each for each in mutants if each.key in keys]

    def _grafted(self, mutants: Sequence[Mutant], chosen: dict[str, list[str]], needed: Sequence[str]) -> object:
        left: list[str] = []
        ended = with_tests(needed, lambda items, _: left.extend(self._try_all(mutants, chosen, items)))
        return ended or left

    def _try_all(
        self, mutants: Sequence[Mutant], chosen: dict[str, list[str]], items: Sequence[pytest.Item]
    ) -> list[str]:
        by_id = {item.nodeid: item for item in items}
        functions = functions_of({str(self.root / each.file) for each in mutants})
        left = []
        for mutant in mutants:
            some = [by_id[test] for test in chosen[mutant.key] if test in by_id]
            outcome = outcome_of(lambda: self._put_to(mutant, some, functions), limit=self._limit(mutant), log=self.log)  # noqa: B023
            if outcome.by == CAN_NOT:
                left.append(mutant.key)
            else:
                self.results.add(mutant, outcome, self.version)
        return left

    def _put_to(self, mutant: Mutant, items: Sequence[pytest.Item], functions: Sequence[FunctionType]) -> str:
        path = self.root / mutant.file
        if not graft(str(path), path.read_text(), mutant.code, functions):
            return CAN_NOT
        failures = Failures()
        if items:
            items[0].config.pluginmanager.register(failures)
            run_items(items, failures)
        return failures.first

    def _by_import(self, mutant: Mutant) -> None:
        path = self.root / mutant.file
        source = path.read_text()
        tests = self._tests_for(mutant)
        try:
            path.write_text(mutant.code)
            outcome = outcome_of(lambda: run_tests(tests), limit=self._limit(mutant) + 30, log=self.log)
        finally:
            path.write_text(source)
        self.results.add(mutant, outcome, self.version)

    def _tests_for(self, mutant: Mutant) -> list[str]:
        return self.trace.tests_for(mutant, mirrored(mutant.file), most=self.most)

    def _limit(self, mutant: Mutant) -> float:
        """Return the seconds after which a mutant hangs."""
        return 30 + 4 * sum(self.trace.tests[test].seconds for test in self._tests_for(mutant))
