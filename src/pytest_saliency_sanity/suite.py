"""The packaged tests: one for each registered check.

``from pytest_saliency_sanity.suite import *`` in a test file of your own gives you the same tests under your own ids.
They are made on access, so they include every check that is registered at that time.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import pytest

from .checks.registry import CHECKS, Check

# The fixtures of a test besides its subject: the question, what the check needs, settings, and who judges the result.
FIXTURES = ("saliency_question", "saliency_needs", "saliency_settings", "saliency_look", "saliency_judge")
OF_A_MODEL, OF_A_METHOD = "saliency_subject", "saliency_method_subject"


def __getattr__(name: str) -> Any:
    checks = {f"test_{check}": registered for check, registered in CHECKS.all().items()}
    if name == "__all__":
        return list(checks)
    if name in checks:
        return test_of(checks[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def test_of(check: Check) -> Callable[..., None]:
    """Return the test of a check, parametrised by its variants."""
    subject = OF_A_MODEL if check.by_model else OF_A_METHOD

    def test(**given: Any) -> None:
        from .checks.answering import answer

        threshold = given["saliency_settings"].threshold(check.name)
        if check.by_model:
            given["saliency_look"](given[subject])
        result = answer(given["saliency_question"], given[subject], given["saliency_needs"], threshold)
        given["saliency_judge"](result)

    arguments = (*FIXTURES, subject, *(["variant"] if check.variants else []))
    test.__signature__ = Signature([Parameter(each, Parameter.KEYWORD_ONLY) for each in arguments])  # type: ignore[attr-defined]
    test.__name__ = test.__qualname__ = f"test_{check.name}"
    test.__doc__ = check.question
    test.__test__ = True  # type: ignore[attr-defined]  # also if the project's ini file sets other names for tests
    test.saliency_check = check.name  # type: ignore[attr-defined]  # found under any name that a project gives it
    return pytest.mark.parametrize("variant", check.variants)(test) if check.variants else test


test_of.__test__ = False  # type: ignore[attr-defined]  # it makes tests but is not one
