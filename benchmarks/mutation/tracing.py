"""Which tests run which lines of the files that are mutated, and how long each test takes: kept in a file."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage

from .mutants import Mutant
from .trials import Failures


@dataclass
class Traced:
    """A test that passes: its seconds, and the lines that it runs of each file."""

    seconds: float
    lines: dict[str, list[int]] = field(default_factory=dict)


class Trace:
    """What is known of the tests of each test file, as long as neither it nor the file that is mutated changes."""

    def __init__(self, root: Path, path: Path) -> None:
        self.root = root
        self.path = path
        kept = json.loads(path.read_text()) if path.exists() else {"hashes": {}, "tests": {}}
        self.hashes: dict[str, str] = kept["hashes"]
        self.tests = {test: Traced(**each) for test, each in kept["tests"].items()}

    def stale(self, test_files: Iterable[str], file: str) -> list[str]:
        """Return the test files of which it is not known which lines of a file their tests run."""
        return [each for each in test_files if self.hashes.get(f"{each} {file}") != self._hash(each, file)]

    def add(self, test_files: Iterable[str], files: Sequence[str], found: dict[str, Any]) -> None:
        """Keep what was found out about test files, in place of what was known."""
        ours = tuple(test_files)
        for test in [each for each in self.tests if each.partition("::")[0] in ours and each not in found]:
            del self.tests[test]
        for test, each in found.items():
            traced = self.tests.setdefault(test, Traced(0.0))
            traced.seconds = each["seconds"]
            traced.lines |= {file: each["lines"].get(file, []) for file in files}
        self.hashes |= {f"{test} {file}": self._hash(test, file) for test in ours for file in files}
        self.path.write_text(json.dumps({"hashes": self.hashes, "tests": {k: vars(v) for k, v in self.tests.items()}}))

    def tests_for(self, mutant: Mutant, first: str, *, most: float) -> list[str]:
        """Return the tests that run what a mutant changes, as many as take ``most`` seconds, the most telling first.

        ``first``: the test file that mirrors the file. Its tests are tried first, and all of them. What is done on
        import is run by no test: for it, those count that run any line of the file.
        """
        near = set(range(mutant.lines[0], mutant.lines[1] + 1))
        touching = {test for test, each in self.tests.items() if each.lines.get(mutant.file)}
        direct = {test for test in touching if near & set(self.tests[test].lines[mutant.file])} or touching
        mirrored = {test for test in self.tests if test.partition("::")[0] == first}
        chosen, seconds = [], 0.0
        for test in sorted(direct | mirrored, key=lambda test: self._rank(test, direct, mirrored)):
            seconds += self.tests[test].seconds
            if seconds > most and test not in mirrored:
                break
            chosen.append(test)
        return chosen

    def _rank(self, test: str, direct: Collection[str], mirrored: Collection[str]) -> tuple[bool, bool, float]:
        return test not in mirrored, test not in direct, self.tests[test].seconds

    def _hash(self, *files: str) -> str:
        return sha256(b"\n".join((self.root / each).read_bytes() for each in files)).hexdigest()[:20]


def traced(items: Sequence[pytest.Item], failures: Failures, root: Path, files: Sequence[str]) -> dict[str, Any]:
    """Run tests and return the seconds of each that passes, and the lines that it runs of files of the project."""
    paths = {file: str(root / file) for file in files}
    coverage = Coverage(data_file=None, include=list(paths.values()), config_file=False)
    found: dict[str, Any] = {}
    coverage.start()
    for item, following in zip(items, [*items[1:], None], strict=True):
        begin, failures.first = time.monotonic(), ""
        coverage.switch_context(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        coverage.switch_context("")
        if not failures.first:
            found[item.nodeid] = {"seconds": round(time.monotonic() - begin, 4), "lines": {}}
    failures.first = ""
    coverage.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns if none of the lines was run
        data = coverage.get_data()
    for file, path in paths.items():
        for line, tests in data.contexts_by_lineno(path).items():
            for test in set(tests) & found.keys():
                found[test]["lines"].setdefault(file, []).append(line)
    return found
