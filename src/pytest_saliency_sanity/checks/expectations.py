"""Patterns over method/model/check: which tests a project expects to fail. Standard library only."""

from __future__ import annotations

import re
from typing import NamedTuple

ARROW = "->"


class ExpectedFailure(NamedTuple):
    """Why a failure is expected, and who says so: the ini file or a conftest."""

    reason: str
    source: str


def parse_expected_failure(line: str) -> tuple[str, str]:
    """Return the pattern and the reason of ``method/model/check -> reason``; ValueError where that is not its form."""
    pattern, arrow, reason = (part.strip() for part in line.partition(ARROW))
    if not (arrow and reason):
        raise ValueError(f"{line!r} is not of the form method/model/check {ARROW} reason")
    require_pattern(pattern)
    return pattern, reason


def require_pattern(pattern: str) -> None:
    """Raise ValueError unless a pattern has the form ``method/model/check``."""
    if not isinstance(pattern, str) or len(pattern.split("/")) != 3 or not all(pattern.split("/")):
        raise ValueError(f"{pattern!r} is not of the form method/model/check, each a name or a pattern with *")


def matches(pattern: str, method: str, model: str, check: str) -> bool:
    """Return whether a pattern means a test: ``*`` stands for anything, and a check for all its variants."""
    return all(map(part_matches, pattern.split("/"), (method, model, check)))


def part_matches(part: str, name: str) -> bool:
    """Return whether one part of a pattern means a name. Brackets are what they are in ``check[variant]``."""
    expression = ".*".join(map(re.escape, part.split("*")))
    return re.fullmatch(rf"{expression}(\[.*\])?", name) is not None
