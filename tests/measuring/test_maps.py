"""Maps, checked and reduced; and as a screen shows them, which is what checks rank."""

from __future__ import annotations

import pytest
import torch

from pytest_saliency_sanity import spearman
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
