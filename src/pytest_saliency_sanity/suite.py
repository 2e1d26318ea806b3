"""The packaged tests: one for each registered check.

``from pytest_saliency_sanity.suite import *`` in a file of your own gives you the same tests under your own ids. They
are made when they are asked for, so they are those of the checks that are registered then.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import pytest

from .checks.registry import CHECKS, Check

# What a test asks for besides its subject: what is asked, what the check needs, and what becomes of the answer.
FIXTURES = ("saliency_question", "saliency_needs", "saliency_settings", "saliency_judge")
OF_A_MODEL, OF_A_METHOD = "saliency_subject", "saliency_method_subject"


def __getattr__(name: str) -> Any:
    checks = {f"test_{check}": registered for check, registered in CHECKS.all().items()}
    if name == "__all__":
        return list(checks)
    if name in checks:
        return test_of(checks[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def test_of(check: Check) -> Callable[..., None]:
    """Return the test that puts a check's question, once for each of its variants."""
    subject = OF_A_MODEL if check.by_model else OF_A_METHOD

    def test(**given: Any) -> None:
        from .checks.answering import answer

        threshold = given["saliency_settings"].threshold(check.name)
        result = answer(given["saliency_question"], given[subject], given["saliency_needs"], threshold)
        given["saliency_judge"](result)

    arguments = (*FIXTURES, subject, *(["variant"] if check.variants else []))
    test.__signature__ = Signature([Parameter(each, Parameter.KEYWORD_ONLY) for each in arguments])  # type: ignore[attr-defined]
    test.__name__ = test.__qualname__ = f"test_{check.name}"
    test.__doc__ = check.question
    test.__test__ = True  # type: ignore[attr-defined]  # whatever names a project's ini file calls tests
    test.saliency_check = check.name  # type: ignore[attr-defined]  # whatever a project calls it
    return pytest.mark.parametrize("variant", check.variants)(test) if check.variants else test


test_of.__test__ = False  # type: ignore[attr-defined]  # it makes tests, and is none
