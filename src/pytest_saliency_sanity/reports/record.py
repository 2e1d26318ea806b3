"""What a run keeps of each question. Standard library only, since records travel between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ..checks.judging.result import CheckResult
from ..checks.registry import CHECKS
from ..foundation.ids import split_variant, with_variant

Primitive = bool | int | float | str | None


@dataclass(frozen=True)
class Record:
    """A question, what became of it, and under which circumstances.

    ``id``: of its test. ``method``: as it was given; ``model``: empty if the question is put to the method alone;
    ``variant``: empty if the check has none. ``outcome``: of the test: ``passed``, ``failed``, ``xfailed`` or
    ``skipped``. ``reason``: why it was skipped, or what went wrong if there is no result. ``seconds``: how long it
    took, with its fixtures. ``command``: runs only this question again. ``parameters``: of the method. ``device``: of
    the network. ``versions``: of what the answer rests on. ``result``: None if there is no verdict.
    """

    id: str
    method: str
    model: str
    check: str
    variant: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0
    command: str = ""
    parameters: Mapping[str, Primitive] = field(default_factory=dict)
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    result: CheckResult | None = None

    @classmethod
    def of(cls, result: CheckResult, tier: str = "gate") -> Record:
        """Return the record of a result that no test gave, as ``check_method`` returns it."""
        outcome = "skipped" if result.not_asked else "passed" if result.passed_in(tier) else "failed"
        key = (result.method, model_of(result), result.check)
        return cls("/".join(filter(None, key)), *key[:2], *split_variant(result.check), outcome, result=result)

    @property
    def question(self) -> str:
        """The name of the check with its variant: ``symmetry[rescaling]``."""
        return with_variant(self.check, self.variant)

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells this question from others: method, model, and check with variant."""
        return self.method, self.model, self.question

    def as_record(self) -> dict[str, Any]:
        """Return the record as JSON primitives; ``from_record`` is the inverse, but for the evidence."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return own | {
            "parameters": dict(self.parameters),
            "versions": dict(self.versions),
            "result": self.result and self.result.as_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Record:
        """Return the record of such JSON as ``as_record`` returns."""
        own = {each.name: record[each.name] for each in fields(cls)}
        result = None if own["result"] is None else CheckResult.from_record(own["result"])
        return cls(**own | {"result": result})


def model_of(result: CheckResult) -> str:
    """Return the name of the model that a question was put to; empty if it was put to the method alone."""
    check = CHECKS.all().get(split_variant(result.check)[0])
    return result.model if check is None or check.by_model else ""
