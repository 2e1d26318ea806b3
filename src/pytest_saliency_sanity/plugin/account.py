"""What the process that runs a test tells the process that reports to the user, if pytest-xdist makes them two.

It travels as text, as an attribute of the test's report, so that it is in no other tool's way.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest

from ..checks.judging.result import CheckResult
from ..reports.glances import Glance

if TYPE_CHECKING:
    from ..checks.judging.evidence import Evidence

ACCOUNT = pytest.StashKey[dict[str, Any]]()
ATTRIBUTE = "saliency_account"


def tell(item: pytest.Item, **facts: Any) -> None:
    """Add facts, JSON primitives by name, to the account of a test."""
    item.stash.setdefault(ACCOUNT, {}).update(facts)


def tell_result(item: pytest.Item, result: CheckResult, *, evidence: bool) -> None:
    """Add a result to the account of a test. ``evidence``: with its values image by image and its maps.

    Raises TypeError or ValueError if it holds what can't be kept, so that it is this test that fails.
    """
    tell(item, result=result.plain().as_record())
    if evidence and result.evidence:
        from ..reports.arrays import packed

        tell(item, evidence=b64encode(packed(result.evidence)).decode("ascii"))


def forget_result(item: pytest.Item) -> None:
    """Forget the result of a test: of a run before, or one that does not count."""
    for name in ("result", "evidence"):
        item.stash[ACCOUNT].pop(name, None)


def attach(item: pytest.Item, report: pytest.TestReport) -> None:
    """Attach the account of a test to its report."""
    if ACCOUNT in item.stash:
        setattr(report, ATTRIBUTE, json.dumps(item.stash[ACCOUNT], allow_nan=False))


def account_of(report: pytest.TestReport) -> dict[str, Any]:
    """Return what a test told; empty if it is about no saliency method."""
    told: dict[str, Any] = json.loads(getattr(report, ATTRIBUTE, "{}"))
    return told


def evidence_in(account: dict[str, Any]) -> Evidence | None:
    """Return the evidence of a test; None if it told none."""
    if "evidence" not in account:
        return None
    from ..reports.arrays import unpacked

    return unpacked(b64decode(account["evidence"]))


def glance_in(account: dict[str, Any]) -> Glance | None:
    """Return the glance that a test took; None if it took none."""
    return Glance.from_record(account["glance"]) if "glance" in account else None


def result_in(account: dict[str, Any]) -> CheckResult | None:
    """Return the result of a test; None if it gave none."""
    return CheckResult.from_record(account["result"]) if "result" in account else None
