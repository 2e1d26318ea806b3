"""Odd maps and odd networks get a defined answer from every check, never an accident."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from support.images import noise
from support.networks import small
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import CheckResult, gradient
from pytest_saliency_sanity.checks.cascading_randomization.ask import check_cascading_randomization
from pytest_saliency_sanity.checks.class_sensitivity.ask import check_class_sensitivity
from pytest_saliency_sanity.checks.null_region.ask import check_null_region
from pytest_saliency_sanity.checks.registry import CHECKS
from pytest_saliency_sanity.checks.repeatability.ask import check_repeatability

Maps = torch.Tensor
IMAGES = noise(24, 1, 10, 10)
ASKS = (check_cascading_randomization, check_class_sensitivity, check_repeatability, check_null_region)
CASCADE = CHECKS.named("cascading_randomization")


def results(method: Any, model: nn.Module | None = None) -> list[CheckResult]:
    return [ask(subject(method, model or small(), IMAGES)) for ask in ASKS]


def test_a_map_that_mixes_nan_and_numbers_is_left_out_and_counted() -> None:
    def holes(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        maps = gradient(model, images, targets)
        maps[:3, :, 4, 4] = torch.nan
        return maps

    for found, whole in zip(results(holes), results(gradient), strict=True):
        assert found.verdict == whole.verdict
        assert found.stages[0].undefined == 3 * found.stages[0].total // 24
        assert found.stages[0].interval.defined


def test_maps_without_a_finite_number_are_undefined() -> None:
    for found in results(lambda model, images, targets: torch.full((len(images), 5, 5), torch.inf)):
        assert (found.verdict, found.statistic, found.interval) == ("undefined", None, None)


def test_maps_that_are_negative_everywhere_are_judged_as_their_magnitudes() -> None:
    def positive(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return gradient(model, images, targets).abs().sum(1) + 0.01

    def negative(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return -positive(model, images, targets)

    for one, other in zip(results(positive), results(negative), strict=True):
        assert (one.verdict, one.threshold, one.findings) == (other.verdict, other.threshold, other.findings)
        assert one.statistic == pytest.approx(other.statistic)
        assert one.measured.maps == other.measured.maps != "with signs"


@pytest.mark.parametrize(("signed", "maps"), [(11, "without signs"), (13, "with signs")])
def test_signs_in_some_maps_only_count_if_most_have_them(signed: int, maps: str) -> None:
    def some(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        found = gradient(model, images, targets).sum(1)
        found[signed:] = found[signed:].abs()
        return found

    result = check_cascading_randomization(subject(some, small(), IMAGES))
    assert result.measured.maps == maps
    limits = CASCADE.judged_by(signed=maps == "with signs")
    assert {stage.threshold for stage in result.stages} == set(limits.values())
    assert bool(result.magnitudes) == (maps == "with signs")


class Constant(nn.Module):
    """A network whose logits ignore the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.fc = nn.Linear(2, 3)
        nn.init.zeros_(self.fc.weight)

    def forward(self, images: Maps) -> Maps:
        logits: Maps = self.fc(self.conv(images).mean((2, 3)))
        return logits


def test_a_network_that_ignores_its_images_is_undefined_for_a_method_that_looks_at_it() -> None:
    assert [found.verdict for found in results(gradient, Constant())] == ["undefined"] * len(ASKS)
