"""Localization: who lies on the object, and who on strokes of any kind."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from support.subjects import subject
from torch import nn

from pytest_saliency_sanity import CheckResult, check_method
from pytest_saliency_sanity.checks.localization import CHECK
from pytest_saliency_sanity.checks.localization.ask import check_localization
from pytest_saliency_sanity.data.scenes import Scenes, load_scenes
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

SCENES = load_scenes(40)
(THRESHOLD,) = CHECK.thresholds.values()


class Blind(nn.Module):
    """Tells the classes by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scale * images.mean((1, 2, 3))[:, None].expand(-1, 10)


def on(object_: float, clutter: float, elsewhere: float = 0.0) -> SaliencyMethod:
    """A method that puts these masses on the object, on clutter and elsewhere."""

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = torch.empty(len(images), 64, 64)
        for row, image in enumerate(images):
            (which,) = (index for index, known in enumerate(SCENES.batch.images) if torch.equal(known, image))
            inside, around = SCENES.objects[which], SCENES.clutter[which]
            rest = ~(inside | around)
            maps[row] = (
                inside * object_ / inside.sum() + around * clutter / around.sum() + rest * elsewhere / rest.sum()
            )
        return maps

    return method


def result_of(method: SaliencyMethod, scenes: Scenes = SCENES) -> CheckResult:
    return check_localization(subject(method, Blind(), scenes.batch.images), scenes)


@pytest.mark.parametrize(("object_", "clutter", "elsewhere"), [(0.6, 0.3, 0.1), (0.1, 0.8, 0.1), (1, 0, 0), (0, 1, 5)])
def test_the_share_is_what_lies_on_the_object_of_object_and_clutter(
    object_: float, clutter: float, elsewhere: float
) -> None:
    result = result_of(on(object_, clutter, elsewhere))
    assert result.statistic == pytest.approx(object_ / (object_ + clutter), abs=1e-6)
    assert result.verdict == ("passed" if object_ > clutter else "failed")
    total = object_ + clutter + elsewhere
    assert result.measured.figure("mass on the object") == pytest.approx(object_ / total, abs=1e-6)
    assert result.measured.figure("mass on clutter") == pytest.approx(clutter / total, abs=1e-6)


def test_a_constant_map_has_a_fourth_by_chance() -> None:
    result = result_of(lambda model, images, targets: torch.ones(len(images), 64, 64))
    assert result.statistic == pytest.approx(0.25)
    assert result.verdict == "failed"
    assert result.finding
    for line in (r"the object +0\.191 +0\.191", r"clutter +0\.574 +0\.574"):
        assert re.search(line, result.message)


def test_maps_that_lie_on_neither_are_undefined() -> None:
    result = result_of(on(0, 0, 1))
    assert result.verdict == "undefined"
    assert result.statistic is None
    assert "No map is finite and lies on the object or on clutter" in result.message


def test_the_true_class_is_explained() -> None:
    asked: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        asked.extend(targets.tolist())
        return torch.ones(len(images), 64, 64)

    check_localization(subject(method, Blind(), SCENES.batch.images), SCENES)
    assert SCENES.batch.targets is not None
    assert asked[-len(SCENES) :] == SCENES.batch.targets.tolist()[-len(asked) :]


def test_a_method_that_returns_no_maps_is_an_error() -> None:
    with pytest.raises(SaliencyMethodError, match="not a float tensor"):
        result_of(lambda model, images, targets: images.sum())


@pytest.mark.parametrize("method", CHECK.must_fail[""])
def test_what_ignores_the_model_fails_on_the_shipped_network(method: str) -> None:
    (result,) = check_method(method, models=["resnet"], checks=["localization"])
    assert result.verdict == "failed"
    assert not result.passed_in("full")
    assert result.passed_in("gate")


@pytest.mark.parametrize("method", ["gradcam", "gradient", "smoothgrad"])
def test_the_reference_methods_pass_on_the_shipped_network(method: str) -> None:
    (result,) = check_method(method, models=["resnet"], checks=["localization"])
    assert result.verdict == "passed"


@pytest.mark.parametrize(
    ("scenes", "told"),
    [
        ("photographs", r"scenes must be a pytest_saliency_sanity\.data\.scenes\.Scenes, not str"),
        (SCENES.first(9), "at least 10 images"),
    ],
)
def test_what_is_no_scenes_is_an_error(scenes: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        check_method("gradient", models=["alexnet"], checks=["localization"], needs={"scenes": scenes})


def test_a_network_without_scenes_is_not_asked() -> None:
    with pytest.raises(ValueError, match="no scenes for a network like alexnet"):
        check_method("gradient", models=["alexnet"], checks=["localization"])
