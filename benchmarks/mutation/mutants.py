"""The mutants of a file: its code with one change each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cosmic_ray.mutating import mutate_code

from .operators import operators

# What no result depends on: ``strict`` of zip notices errors in the code itself, the others are dataclasses' manners.
INERT = re.compile(r"\b(strict|repr|frozen|init|kw_only|eq)=\s*(True|False)|,")


@dataclass(frozen=True)
class Mutant:
    """The code of a file with one change. ``lines``: the first and the last line that is changed, counted from 1.

    ``line`` and ``becomes``: what stands there before and after, without the spaces around it; they name the mutant,
    since numbers of lines change with every other edit.
    """

    file: str
    operator: str
    line: str
    becomes: str
    lines: tuple[int, int]
    code: str

    @property
    def key(self) -> str:
        """What the mutant's result is kept by: any other code of the file makes another mutant."""
        return sha256(f"{self.file}\n{self.code}".encode()).hexdigest()[:20]


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a file that Python can compile, each code once."""
    seen = {without_inert(source)}
    for name, operator in operators().items():
        occurrence = 0
        while (code := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            if without_inert(code) not in seen and is_python(code):
                seen.add(without_inert(code))
                yield _mutant(file, name, source, code)


def without_inert(code: str) -> str:
    """Return code without what no result depends on, and without commas and spaces, to be compared."""
    return "".join(INERT.sub("", code).split())


def is_python(code: str) -> bool:
    """Return whether code can be compiled."""
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _mutant(file: str, operator: str, source: str, code: str) -> Mutant:
    before, after = source.splitlines(), code.splitlines()
    same = _in_common(before, after)
    left = min(len(before), len(after)) - same
    end = min(left, _in_common(before[::-1], after[::-1]))
    changed, others = before[same : len(before) - end], after[same : len(after) - end]
    line, becomes = (" ".join(each.strip() for each in some) for some in (changed, others))
    return Mutant(file, operator, line, becomes, (same + 1, max(same + 1, len(before) - end)), code)


def _in_common(one: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))
