"""Hooks that a project can implement in its conftest, or another plugin in its module.

If this plugin might not be installed, decorate them with ``@pytest.hookimpl(optionalhook=True)``: pytest rejects
unknown hooks named ``pytest_...``. They are called when pytest is configured, so only conftests of the folders that
pytest is given, and of their parents, can implement them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from ..checks.registry import Check


def pytest_saliency_methods(config: pytest.Config) -> Mapping[str, str | Callable[..., Any]]:  # type: ignore[empty-body]
    """Return saliency methods by the name that users give to ``--saliency-method``.

    A method is a callable ``(model, images, targets) -> maps``, a class to instantiate, or a spec, as in
    ``{"ig": "captum:IntegratedGradients?n_steps=20"}``.
    """


def pytest_saliency_checks(config: pytest.Config) -> Iterable[Check]:  # type: ignore[empty-body]
    """Return additional checks: objects of the class ``pytest_saliency_sanity.Check``."""


def pytest_saliency_expected_failures(config: pytest.Config) -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return the reasons why tests are expected to fail, by ``method/model/check``, where ``*`` stands for anything.

    As in ``{"guided_backprop/*/cascading_randomization": "it ignores the classifier, as Adebayo et al. found"}``. Only
    verdicts other than ``passed`` are expected: exceptions, passes, and entries that match no test are errors.
    """
