"""Hooks that a project may implement in its conftest, or another plugin in its module.

If this plugin may be missing, decorate them with ``@pytest.hookimpl(optionalhook=True)``: pytest refuses a hook named
``pytest_...`` that nobody declares. They are called when pytest is configured, so in conftests of the folders that
pytest is given, and above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from ..checks.registry import Check


def pytest_saliency_methods(config: pytest.Config) -> Mapping[str, str | Callable[..., Any]]:  # type: ignore[empty-body]
    """Return saliency methods by the name that ``--saliency-method`` knows them by.

    A method is a callable ``(model, images, targets) -> maps``, a class to instantiate, or a spec, as in
    ``{"ig": "captum:IntegratedGradients?n_steps=20"}``.
    """


def pytest_saliency_checks(config: pytest.Config) -> Iterable[Check]:  # type: ignore[empty-body]
    """Return checks of one's own: objects of the class ``pytest_saliency_sanity.Check``."""


def pytest_saliency_expected_failures(config: pytest.Config) -> Mapping[str, str]:  # type: ignore[empty-body]
    """Return the reasons why tests are expected to fail, by ``method/model/check``, where ``*`` stands for anything.

    As in ``{"guided_backprop/*/cascading_randomization": "it ignores the classifier, as Adebayo et al. found"}``. Only
    a verdict that is not ``passed`` is expected: an error is an error, and so are a pass and an entry that means none.
    """
