"""Maps as a screen shows them, which is what checks rank."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import Batch, check_method, gradient, spearman
from pytest_saliency_sanity.checks.judging.judgement import MOST_SHOWN, shown
from pytest_saliency_sanity.measuring.maps import LEVELS, as_seen


def edges_of(images: torch.Tensor) -> torch.Tensor:
    """An edge detector: exactly 0 in every flat part."""
    return (images[:, 0, :, 1:] - images[:, 0, :, :-1]).abs()


def test_what_nobody_sees_does_not_order_the_flat_parts() -> None:
    image = torch.zeros(1, 1, 16, 17)
    image[..., 4:9] = 1
    maps = edges_of(image)
    trace = 1e-4 * torch.rand(maps.shape, generator=torch.Generator().manual_seed(0))
    assert float(spearman(maps, maps + trace)) < 0.9
    assert torch.equal(as_seen(maps), as_seen(maps + trace))


@pytest.mark.parametrize("scale", [1e-40, 1e-37, 1e-20, 1.0, 1e20, 1e37])
def test_scale_makes_no_difference_however_small_or_large(scale: float) -> None:
    maps = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 0.5
    seen = as_seen((maps * scale).float())
    assert seen.isfinite().all()
    # 1e-40 is subnormal: a few digits are left of it.
    torch.testing.assert_close(seen, as_seen(maps), atol=1, rtol=0)
    assert seen.abs().quantile(0.9) > LEVELS / 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_half_precision_does_not_overflow(dtype: torch.dtype, scale: float) -> None:
    maps = (torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0)) * scale).to(dtype)
    assert torch.equal(as_seen(maps), as_seen(maps.double()))
    assert as_seen(maps).isfinite().all()


def test_a_blank_map_stays_blank_and_what_is_not_finite_stays_that() -> None:
    assert (as_seen(torch.zeros(1, 4, 4)) == 0).all()
    maps = torch.ones(1, 4, 4)
    maps[0, 0, 0] = float("nan")
    assert as_seen(maps).isnan().any()


def test_a_network_in_half_precision_is_asked_as_any_other() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(128, 5))
    model = model.to(torch.bfloat16).eval()
    images = torch.randn(10, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    HALF["model"] = model
    (result,) = check_method(gradient, models=["test_maps:half"], checks=["repeatability"], batch=Batch(images))
    assert (result.verdict, result.measured["undefined"]) == ("passed", 0)


HALF: dict[str, nn.Module] = {}


def half() -> nn.Module:
    return HALF["model"]


def test_of_many_stages_a_dozen_and_the_judged_ones_are_shown() -> None:
    every = [f"layer{number}" for number in range(100)]
    some = shown(every, ["layer7", "layer99"])
    assert len(some) <= MOST_SHOWN + 2
    assert {"layer0", "layer7", "layer99"} <= set(some)
    assert list(some) == [stage for stage in every if stage in some]
    assert shown(every[:10], ["layer3"]) == tuple(every[:10])


def sobel_like(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return edges_of(images)


def deep() -> nn.Module:
    """Thirty small layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [each for _ in range(28) for each in (nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3))]
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(3 * 8 * 8, 5)).eval()


def test_a_failure_on_a_deep_network_measures_a_part_of_its_stages() -> None:
    images = torch.randn(10, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    results = check_method(
        sobel_like, models=["test_maps:deep"], checks=["cascading_randomization"], batch=Batch(images)
    )
    top_down = results[0]
    assert top_down.verdict == "failed"
    assert "13 of 57 stages are shown." in top_down.message
    assert top_down.message.count("must stay below") >= 3  # both judged stages, and the sentence
