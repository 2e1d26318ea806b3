"""The packaged tests: one short function a check. The docstrings are what a reader of a failure sees first.

``from pytest_saliency_sanity.suite import *`` in a file of your own gives you the same tests under your own ids.
"""

from __future__ import annotations

import pytest
from torch import nn

from pytest_saliency_sanity.checks.bias_detection.ask import check_bias_detection
from pytest_saliency_sanity.checks.cascading_randomization.ask import check_cascading_randomization
from pytest_saliency_sanity.checks.catalogue import CHECKS
from pytest_saliency_sanity.checks.class_sensitivity.ask import check_class_sensitivity
from pytest_saliency_sanity.checks.contract.ask import check_contract
from pytest_saliency_sanity.checks.judging.subject import Subject
from pytest_saliency_sanity.checks.label_randomization.ask import check_label_randomization
from pytest_saliency_sanity.checks.repeatability.ask import check_repeatability
from pytest_saliency_sanity.checks.symmetry.ask import check_symmetry
from pytest_saliency_sanity.data.bias_scenario import BiasScenario
from pytest_saliency_sanity.methods.protocol import SaliencyMethod
from pytest_saliency_sanity.plugin.fixtures import Judge
from pytest_saliency_sanity.plugin.settings import Settings

__all__ = [f"test_{name}" for name in CHECKS]


def test_label_randomization(
    saliency_subject: Subject,
    saliency_memorized_model: nn.Module,
    saliency_settings: Settings,
    saliency_judge: Judge,
) -> None:
    """Maps must change when the labels that the model learned were random."""
    threshold = saliency_settings.threshold("label_randomization")
    saliency_judge(check_label_randomization(saliency_subject, saliency_memorized_model, threshold=threshold))


@pytest.mark.parametrize("variant", CHECKS["cascading_randomization"].variants)
def test_cascading_randomization(
    variant: str, saliency_subject: Subject, saliency_settings: Settings, saliency_judge: Judge
) -> None:
    """Maps must change as the weights are randomised, layer by layer."""
    threshold = saliency_settings.threshold("cascading_randomization")
    saliency_judge(check_cascading_randomization(saliency_subject, order=variant, threshold=threshold))


def test_bias_detection(
    saliency_subject: Subject,
    saliency_bias_scenario: BiasScenario,
    saliency_settings: Settings,
    saliency_judge: Judge,
) -> None:
    """Maps must show that a model learned a bias from its data, and that a balanced one did not."""
    threshold = saliency_settings.threshold("bias_detection")
    saliency_judge(check_bias_detection(saliency_subject, saliency_bias_scenario, threshold=threshold))


def test_class_sensitivity(saliency_subject: Subject, saliency_settings: Settings, saliency_judge: Judge) -> None:
    """Another class must have another map."""
    threshold = saliency_settings.threshold("class_sensitivity")
    saliency_judge(check_class_sensitivity(saliency_subject, threshold=threshold))


def test_repeatability(saliency_subject: Subject, saliency_settings: Settings, saliency_judge: Judge) -> None:
    """The same model must give the same maps again, up to the method's own noise."""
    threshold = saliency_settings.threshold("repeatability")
    saliency_judge(check_repeatability(saliency_subject, threshold=threshold))


@pytest.mark.parametrize("variant", CHECKS["symmetry"].variants)
def test_symmetry(variant: str, saliency_subject: Subject, saliency_settings: Settings, saliency_judge: Judge) -> None:
    """Maps must stay when the same function is written down differently."""
    threshold = saliency_settings.threshold("symmetry")
    saliency_judge(check_symmetry(saliency_subject, kind=variant, threshold=threshold))


def test_contract(
    saliency_method: SaliencyMethod, saliency_method_label: str, saliency_settings: Settings, saliency_judge: Judge
) -> None:
    """Whatever the network and the images: maps of the right form, the same again, and all left as found."""
    saliency_judge(check_contract(saliency_method, saliency_method_label, seed=saliency_settings.seed))
