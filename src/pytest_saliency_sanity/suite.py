"""The packaged tests: one short function a check. The docstrings are what a reader of a failure sees first."""

from __future__ import annotations

import pytest
from torch import nn

from pytest_saliency_sanity.checks.cascading_randomization import check_cascading_randomization
from pytest_saliency_sanity.checks.catalogue import CHECKS
from pytest_saliency_sanity.checks.label_randomization import check_label_randomization
from pytest_saliency_sanity.checks.subject import Subject
from pytest_saliency_sanity.fixtures import Judge
from pytest_saliency_sanity.settings import Settings


def test_label_randomization(
    saliency_subject: Subject,
    saliency_memorized_model: nn.Module,
    saliency_settings: Settings,
    saliency_judge: Judge,
) -> None:
    """Maps must change when the labels that the model learned were random."""
    threshold = saliency_settings.threshold("label_randomization")
    saliency_judge(check_label_randomization(saliency_subject, saliency_memorized_model, threshold=threshold))


@pytest.mark.parametrize("order", CHECKS["cascading_randomization"].variants)
def test_cascading_randomization(
    order: str, saliency_subject: Subject, saliency_settings: Settings, saliency_judge: Judge
) -> None:
    """Maps must change as the weights are randomised, layer by layer."""
    threshold = saliency_settings.threshold("cascading_randomization")
    saliency_judge(check_cascading_randomization(saliency_subject, order=order, threshold=threshold))
