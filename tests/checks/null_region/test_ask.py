"""The null region: who attributes something to pixels that do not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from support.images import noise
from support.networks import small
from support.skips import needs_cuda
from support.subjects import subject
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import (
    Batch,
    CheckResult,
    check_method,
    gradcam,
    gradient,
    load_batch,
    load_checkpoint,
    smoothgrad,
)
from pytest_saliency_sanity.checks.null_region import CHECK
from pytest_saliency_sanity.checks.null_region.ask import DRAWS, check_null_region, outside
from pytest_saliency_sanity.foundation.reading import Reading
from pytest_saliency_sanity.measuring.localization import are_enlarged, mass_outside
from pytest_saliency_sanity.measuring.looks import Look
from pytest_saliency_sanity.methods.controls import image_itself, sobel
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

IMAGES = noise(12, 1, 10, 10)
(THRESHOLD,) = CHECK.thresholds.values()
Maps = torch.Tensor


def result_of(method: SaliencyMethod, model: nn.Module | None = None) -> CheckResult:
    return check_null_region(subject(method, model or small(), IMAGES))


@pytest.mark.parametrize("method", [gradient, smoothgrad])
def test_a_gradient_is_exactly_zero_where_nothing_matters(method: SaliencyMethod) -> None:
    result = result_of(method)
    assert (result.verdict, result.statistic, result.interval, result.finding) == ("passed", 0, (0, 0), False)


@pytest.mark.parametrize("method", [sobel, image_itself])
def test_what_ignores_the_model_has_half_of_its_mass_there(method: SaliencyMethod) -> None:
    result = result_of(method)
    assert result.verdict == "failed"
    assert result.statistic == pytest.approx(0.5)
    assert "The maps show what the network does not see" in result.message
    assert f"must stay below {THRESHOLD:g} with its whole interval" in result.message
    assert "12 images x 8 masks of about half of the image, each of them also inside out" in result.message


def test_a_map_that_is_partly_the_image_has_that_part_of_its_mass_there() -> None:
    def mixture(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        maps, edges = gradient(model, images, targets).abs().sum(1), sobel(model, images, targets)
        return 0.7 * maps / maps.sum((1, 2), keepdim=True) + 0.3 * edges / edges.sum((1, 2), keepdim=True)

    assert result_of(mixture).statistic == pytest.approx(0.15)


def test_of_a_coarse_map_only_cells_wholly_outside_count_and_it_is_a_finding() -> None:
    def enlarged(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return F.avg_pool2d(gradient(model, images, targets).abs(), 2)[:, 0]

    result = result_of(enlarged)
    assert (result.verdict, result.statistic, result.finding) == ("passed", 0, True)
    assert "Only cells of the map that lie wholly outside count" in result.message

    def pooled_edges(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return F.avg_pool2d(sobel(model, images, targets)[:, None], 2)[:, 0]

    result = result_of(pooled_edges)
    assert result.verdict != "passed"
    assert (result.finding, result.passed_in("gate"), result.passed_in("full")) == (True, True, False)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
def test_maps_that_were_enlarged_from_coarse_ones_are_a_finding_too(mode: str) -> None:
    images = noise(12, 1, 32, 32)

    def enlarged_edges(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        coarse = F.avg_pool2d(sobel(model, images, targets)[:, None], 8)
        return F.interpolate(coarse, images.shape[2:], mode=mode)[:, 0]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(noise(2, 32 * 32))

        def forward(self, images: Maps) -> Maps:
            return images.flatten(1) @ self.weight.T

    result = check_null_region(subject(enlarged_edges, Net(), images))
    assert (result.verdict, result.finding) == ("failed", True)
    assert "The maps were enlarged from coarser ones; a finding" in result.message
    assert not check_null_region(subject(sobel, Net(), images)).finding


def test_rank_tells_an_enlarged_map_from_a_fine_one() -> None:
    fine = noise(5, 32, 32)
    coarse = F.interpolate(noise(5, 1, 4, 4), (32, 32), mode="bilinear")[:, 0]
    assert are_enlarged(coarse)
    assert are_enlarged(torch.cat([coarse, fine[:4]]))
    assert not are_enlarged(torch.cat([coarse[:4], fine]))
    assert not are_enlarged(F.interpolate(noise(5, 1, 8, 8), (32, 32), mode="bilinear")[:, 0])
    assert not are_enlarged(torch.zeros(5, 32, 32))
    assert not are_enlarged(torch.full((5, 32, 32), torch.nan))


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_grad_cam_is_found_to_be_enlarged_also_if_it_is_clipped_afterwards(network: str) -> None:
    model, images = load_checkpoint(network), load_batch("mnist", 20).images
    targets = model(images).argmax(1)
    enlarged = F.interpolate(gradcam(model, images, targets, relu=False)[:, None], (64, 64), mode="bilinear")[:, 0]
    assert are_enlarged(enlarged)
    assert are_enlarged(enlarged.relu())
    for fine in (sobel(model, images, targets), images.sum(1), gradient(model, images, targets).sum(1)):
        assert not are_enlarged(fine)


def test_cells_are_compared_as_they_are_against_a_literal_version() -> None:
    inside = noise(7, 10, seed=5) > 0.8
    maps = noise(3, 2, 3, 4, seed=6)
    for found, channels in zip(mass_outside(maps, inside).tolist(), maps.abs().double().numpy(), strict=True):
        values, outside_of = channels.sum(0), 0.0
        for row in range(3):
            for column in range(4):
                rows = slice(int(np.floor(row * 7 / 3)), int(np.ceil((row + 1) * 7 / 3)))
                columns = slice(int(np.floor(column * 10 / 4)), int(np.ceil((column + 1) * 10 / 4)))
                if not inside[rows, columns].any():
                    outside_of += values[row, column]
        assert found == pytest.approx(outside_of / values.sum())


def test_a_map_without_mass_is_undefined() -> None:
    maps = torch.stack([torch.zeros(4, 4), torch.full((4, 4), torch.nan), -torch.ones(4, 4)])
    inside = (torch.arange(4) < 2).expand(4, 4)
    found = mass_outside(maps, inside)
    assert found.isnan().tolist() == [True, True, False]
    assert float(found[2]) == 0.5
    result = result_of(lambda model, images, targets: torch.zeros(len(images), 10, 10))
    assert (result.verdict, result.interval) == ("undefined", None)
    assert "No map is finite and not 0 everywhere" in result.message


def test_a_network_that_ignores_its_images_is_undefined() -> None:
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.logits = nn.Parameter(torch.tensor([1.0, 2.0]))

        def forward(self, images: Maps) -> Maps:
            return self.logits.expand(len(images), 2) + 0 * images.sum((1, 2, 3))[:, None]

    assert result_of(gradient, Constant()).verdict == "undefined"


def test_a_draw_is_a_mask_and_its_reverse() -> None:
    put = subject(sobel, small(), IMAGES)
    ((shares, maps, shown),) = outside(put, IMAGES, [Look(12, DRAWS)])
    assert shares.shape == (DRAWS, 12)
    assert maps.shape == (12, 10, 10)
    assert (shown.maps.shape, shown.pictures.shape) == ((3, 10, 10), (3, 10, 10, 1))
    np.testing.assert_allclose(shares, 0.5)
    ((again, *_),) = outside(subject(gradient, small(), IMAGES), IMAGES, [Look(12, DRAWS)])
    assert not again.any()


def test_the_confidence_is_that_of_the_reading() -> None:
    def noisy(model: nn.Module, images: Maps, targets: Maps) -> Maps:
        return gradient(model, images, targets) + 0.1 * torch.rand(images.shape)

    put = subject(noisy, small(), IMAGES)
    wide, narrow = (check_null_region(replace(put, reading=Reading(confidence=each))) for each in (0.99, 0.8))
    assert wide.interval
    assert narrow.interval
    assert wide.interval[0] < narrow.interval[0] < narrow.interval[1] < wide.interval[1]
    assert "99% interval" in wide.message


def test_a_threshold_of_ones_own_is_judged_by() -> None:
    (strict,) = check_method(
        "sobel", models=["alexnet"], checks=["null_region"], thresholds={"null_region": 0.6}, images=10
    )
    assert (strict.verdict, strict.threshold) == ("passed", 0.6)


@needs_cuda
def test_on_a_gpu_the_answer_is_the_same() -> None:
    for method in ("gradient", "sobel", "gradcam"):
        given: dict[str, Any] = {"models": ["alexnet"], "checks": ["null_region"], "images": 10}
        (here,), (there,) = (check_method(method, device=device, **given) for device in ("cpu", "cuda"))
        assert there.verdict == here.verdict
        assert there.statistic == pytest.approx(here.statistic, abs=1e-3)


def test_images_that_are_looked_at_later_are_explained_for_their_own_classes() -> None:
    images, targets = torch.rand(30, 1, 10, 10), torch.arange(30) % 3
    seen: list[int] = []

    def counted(model: nn.Module, some: Maps, classes: Maps) -> Maps:
        seen.append(len(classes))
        return gradient(model, some, classes)

    put = replace(
        subject(counted, small(), images[:12]),
        batch=Batch(images[:12], targets[:12]),
        more=Batch(images, targets),
        all_images=False,
    )
    for _ in outside(put, images, [Look(12, 2), Look(30, 2)]):
        pass
    assert seen == [12] * 4 + [18] * 4
