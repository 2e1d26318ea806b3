"""Expected failures, given by patterns method/model/check. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ..foundation.errors import quoted
from .plan import Question
from .registry import CHECKS, question_ids

ARROW = "->"


@dataclass(frozen=True)
class ExpectedFailure:
    """The questions that are expected to fail (``method/model/check``, ``*`` for anything), why, and who said so."""

    pattern: str
    reason: str
    source: str

    def means(self, question: Question) -> bool:
        """Return whether the pattern matches a question; a check stands for all its variants."""
        return matches(self.pattern, question.method, question.model, question.id)


def expected_reason(question: Question, expected: Iterable[ExpectedFailure]) -> str:
    """Return why a question is expected to fail: the reason of the first entry that matches it, or an empty text."""
    return next((each.reason for each in expected if each.means(question)), "")


def parse_expected_failure(line: str, source: str) -> ExpectedFailure:
    """Parse a line ``method/model/check -> reason``. Raises ValueError if the line has another form."""
    pattern, arrow, reason = (part.strip() for part in line.partition(ARROW))
    if not (arrow and reason):
        raise ValueError(f"{quoted(line)} is not of the form method/model/check {ARROW} reason")
    return named_expected_failure(pattern, reason, source)


def named_expected_failure(pattern: object, reason: object, source: str) -> ExpectedFailure:
    """Return an entry. Raises ValueError if the pattern has another form or the reason is empty."""
    parts = pattern.split("/") if isinstance(pattern, str) else []
    if len(parts) != 3 or not all(parts):
        raise ValueError(f"{quoted(pattern)} is not of the form method/model/check, each a name or a pattern with *")
    if not (isinstance(reason, str) and reason.strip()):
        raise ValueError(f"{quoted(pattern)} needs a reason why it is expected to fail, not {quoted(reason)}")
    return ExpectedFailure(str(pattern), reason, source)


def require_meaningful(
    expected: Iterable[ExpectedFailure], methods: Collection[str], models: Collection[str], hint: str = ""
) -> None:
    """Raise ValueError for an entry that matches no question of any of these methods and models.

    Import paths and classes of libraries are not checked, since another run can use them. ``hint`` ends the message.
    """
    checks = question_ids(CHECKS.all())
    for entry in expected:
        method_part, model_part, _ = entry.pattern.split("/")
        if not any(
            matches(entry.pattern, method, model, check)
            for method in (*methods, *_by_path(method_part))
            for model in (*models, "", *_by_path(model_part))
            for check in checks
        ):
            raise ValueError(
                f"{entry.source}: the expected failure {quoted(entry.pattern)} matches no test: no method, model or "
                f"check has these names. Remove it or correct its spelling{hint}"
            )


def matches(pattern: str, method: str, model: str, check: str) -> bool:
    """Return whether a pattern matches a question: ``*`` stands for anything, and a check for all its variants."""
    return all(map(part_matches, pattern.split("/"), (method, model, check)))


def part_matches(part: str, name: str) -> bool:
    """Return whether one part of a pattern matches a name. Brackets are literal, as in ``check[variant]``."""
    first, *rest = map(re.escape, part.split("*"))
    # Between two stars, the first place that fits is taken for good: to try all of them takes years if stars are many.
    between = "".join(f"(?>.*?{piece})" for piece in rest[:-1])
    last = f".*{rest[-1]}" if rest else ""
    return re.fullmatch(rf"{first}{between}{last}(\[.*\])?", name) is not None


def _by_path(part: str) -> tuple[str, ...]:
    return (part,) if ":" in part and "*" not in part else ()
