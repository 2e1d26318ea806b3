"""What became of each mutant, kept in a file that grows, so that a run that is interrupted goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from .mutants import Mutant
from .trials import Outcome


@dataclass(frozen=True)
class Result:
    """A mutant's outcome. ``tests``: which versions of the tests it was put to."""

    key: str
    file: str
    operator: str
    line: str
    becomes: str
    number: int
    by: str
    seconds: float
    tests: str

    @property
    def is_killed(self) -> bool:
        """Whether a test noticed the mutant."""
        return bool(self.by)


class Results:
    """The results so far, by the key of the mutant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.kept = {each.key: each for each in (Result(**json.loads(line)) for line in lines)}

    def add(self, mutant: Mutant, outcome: Outcome, tests: str) -> Result:
        """Keep an outcome."""
        seconds = outcome.seconds + (self.kept[mutant.key].seconds if mutant.key in self.kept else 0)
        result = Result(
            key=mutant.key,
            file=mutant.file,
            operator=mutant.operator,
            line=mutant.line,
            becomes=mutant.becomes,
            number=mutant.lines[0],
            by=outcome.by,
            seconds=round(seconds, 2),
            tests=tests,
        )
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")
        self.kept[mutant.key] = result
        return result

    def missing(self, mutants: Iterable[Mutant], tests: str, settled: Callable[[Result], bool]) -> list[Mutant]:
        """Return the mutants to try: killed ones stay killed, others get a chance if any test has changed.

        ``settled``: whether there is a reason why no test need notice a mutant.
        """
        known = {key for key, each in self.kept.items() if each.is_killed or each.tests == tests or settled(each)}
        return [each for each in mutants if each.key not in known]

    def of(self, mutants: Iterable[Mutant]) -> list[Result]:
        """Return what is known of mutants."""
        return [self.kept[each.key] for each in mutants if each.key in self.kept]
