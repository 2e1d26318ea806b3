"""Maps, checked and reduced; and as a screen shows them, which is what checks rank."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from support.images import noise
from torch import nn

from pytest_saliency_sanity import spearman
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.habits import observing
from pytest_saliency_sanity.measuring.maps import LEVELS, as_seen, have_signs, maps_of, reduced


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


@pytest.mark.parametrize("scale", [1e-3, 1.0])
@pytest.mark.parametrize("count", [99, 100, 101, 200])
def test_the_99th_percentile_of_magnitude_has_the_highest_level(count: int, scale: float) -> None:
    values = torch.arange(1, count + 1).double() * scale
    seen = as_seen(-values[None, None, torch.randperm(count, generator=torch.Generator().manual_seed(0))]).flatten()
    brightest = -(-99 * count // 100)  # as many hundredths of the values are not larger
    assert sorted((-seen).tolist()) == (values * LEVELS / brightest / scale).round().tolist()
    assert -seen.max() == round(LEVELS / brightest)


def test_a_map_that_is_blank_but_for_a_few_pixels_has_its_largest_value_at_the_highest_level() -> None:
    maps = torch.zeros(1, 20, 20)
    maps[0, 3, 4], maps[0, 5, 6] = -0.5, 0.25
    seen = as_seen(maps)
    assert seen[0, [3, 5], [4, 6]].tolist() == [-LEVELS, LEVELS / 2]
    assert seen.count_nonzero() == 2


def test_maps_have_signs_if_most_that_show_anything_show_both() -> None:
    both, one = noise(1, 6, 6), noise(1, 6, 6).abs()
    flat, broken = torch.full((1, 6, 6), 2.0), torch.full((1, 6, 6), torch.nan)

    def signs(*maps: torch.Tensor) -> bool:
        return have_signs(torch.cat(maps))

    assert signs(both)
    assert signs(both, both, one)
    assert not signs(both, one)  # half are not most
    assert not signs(both, one, one)
    assert signs(both, flat, broken, flat, broken)  # a map that can't be compared has no say
    assert not signs(flat)
    assert not signs(broken)


def test_a_sign_that_nobody_sees_is_none() -> None:
    maps = noise(1, 6, 6).abs() + 1
    maps[0, 0, 0] = -1e-4  # less than half a level
    assert not have_signs(maps)
    maps[0, 0, 0] = -1.0
    assert have_signs(maps)
    faint = torch.full((1, 20, 20), -1.0)
    faint[0, 0, 0] = 1 / LEVELS  # a single level
    assert have_signs(faint)
    assert have_signs(-faint)
    assert not have_signs(torch.eye(6)[None])
    assert not have_signs(-torch.eye(6)[None])


def test_signed_maps_sum_values_and_absolute_ones_magnitudes() -> None:
    maps = noise(2, 3, 4, 5)
    assert torch.equal(reduced(maps, "signed"), maps.sum(1))
    assert torch.equal(reduced(maps, "absolute"), maps.abs().sum(1))
    assert torch.equal(reduced(maps[:, 0], "signed"), maps[:, 0])
    assert torch.equal(reduced(maps[:, 0], "absolute"), maps[:, 0].abs())


IMAGES, TARGETS = noise(200, 3, 64, 64), torch.arange(200)
MODEL = nn.Identity()


def test_maps_of_many_images_are_asked_for_in_parts_and_come_back_in_order() -> None:
    rows: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows.append(len(images))
        return images.mean(1) + targets[:, None, None]

    maps = maps_of(method, MODEL, IMAGES, TARGETS, name="it", seed=0)
    assert rows == [85, 85, 30]
    assert torch.equal(maps, IMAGES.mean(1) + TARGETS[:, None, None])


def test_if_the_images_fit_into_whole_parts_no_empty_one_is_asked_for() -> None:
    rows: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        rows.append(len(images))
        return images[:, 0]

    assert len(maps_of(method, MODEL, IMAGES[:170], TARGETS[:170], name="it", seed=0)) == 170
    assert rows == [85, 85]


def test_what_a_method_keeps_of_what_it_was_given_or_returned_is_noticed() -> None:
    kept: list[torch.Tensor] = []

    def keeps_images(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        kept.append(images)
        return images[:, 0].clone()

    def keeps_maps(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        kept.append(images[:, 0].clone())
        return kept[-1]

    for method in (keeps_images, keeps_maps):
        with observing() as habits:
            maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it", seed=0)
        assert habits.kept == kept[-1].nbytes


def test_what_a_method_leaves_behind_is_its_error() -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        torch.set_default_dtype(torch.float64)
        return images[:, 0]

    with pytest.raises(
        SaliencyMethodError, match=r"^it: not left as found by the method, and put back now: torch's default type"
    ):
        maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it", seed=0)
    assert torch.get_default_dtype() == torch.float32


class Held:
    """What a method works on; it may refer to itself."""

    def __init__(self, itself: bool) -> None:
        self.other = self if itself else None


@pytest.mark.parametrize("itself", [False, True])
def test_what_a_method_that_raises_was_working_on_is_let_go(itself: bool) -> None:
    held: list[weakref.ref[Held]] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        work = Held(itself)
        held.append(weakref.ref(work))
        raise ZeroDivisionError

    gc.disable()  # only what is let go on purpose
    try:
        with pytest.raises(SaliencyMethodError) as raised:
            maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it", seed=0)
        assert held[0]() is None
        assert raised.value.__cause__ is not None
    finally:
        gc.enable()


def test_a_method_may_change_what_it_is_given_and_gives_detached_maps() -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = images.clone().requires_grad_()
        images.zero_()
        targets.zero_()
        return maps

    images, targets = IMAGES[:3].clone(), TARGETS[:3].clone()
    maps = maps_of(method, MODEL, images, targets, name="it", seed=0)
    assert not maps.requires_grad
    assert torch.equal(maps, images)
    assert torch.equal(images, IMAGES[:3])
    assert torch.equal(targets, TARGETS[:3])


def test_each_part_finds_random_streams_of_its_own_seeded_by_the_seed() -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return torch.rand(1, 2, 2).expand(len(images), 2, 2)

    state = torch.get_rng_state()
    first, again, other = (maps_of(method, MODEL, IMAGES, TARGETS, name="it", seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, again)
    assert torch.equal(first, maps_of(method, MODEL, IMAGES, TARGETS, name="it", seed=0, first=0))
    assert not (first == other).any()
    assert len(first.unique(dim=0)) == 3


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (None, r"returned NoneType, not a float tensor \(2, h, w\) or \(2, C, h, w\)"),
        ([torch.zeros(4, 4)] * 2, "returned list"),
        (torch.zeros(2, 4, 4).numpy(), r"returned numpy\.ndarray"),
        (torch.zeros(4, 4), r"returned the shape \(4, 4\)"),
        (torch.zeros(3, 4, 4), r"returned the shape \(3, 4, 4\)"),
        (torch.zeros(2, 1, 1, 4, 4), r"returned the shape \(2, 1, 1, 4, 4\)"),
        (torch.zeros(2, 4, 4).long(), r"returned torch\.int64"),
        (torch.zeros(2, 3, 1, 1), r"returned the shape \(2, 3, 1, 1\): a map needs at least two positions"),
    ],
)
def test_what_is_no_batch_of_maps_is_an_error_that_says_whose_it_is(returned: object, told: str) -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return returned  # type: ignore[return-value]

    with pytest.raises(SaliencyMethodError, match=f"^it on net, fc: the method {told}"):
        maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it on net, fc", seed=0)


def test_what_a_method_raises_is_the_cause_and_an_interrupt_goes_through() -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise error

    error: BaseException = ZeroDivisionError("by zero")
    with pytest.raises(SaliencyMethodError, match=r"^it: the method raised ZeroDivisionError: by zero$") as raised:
        maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it", seed=0)
    assert raised.value.__cause__ is error
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        maps_of(method, MODEL, IMAGES[:2], TARGETS[:2], name="it", seed=0)


@pytest.mark.parametrize("other", [0, 85, 170])  # the first of three parts, or a later one
def test_maps_of_different_sizes_are_an_error(other: int) -> None:
    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return images[:, 0, : 5 if targets[0] == other else 6]

    with pytest.raises(SaliencyMethodError, match=r"^it: .* maps of different sizes for images of one size"):
        maps_of(method, MODEL, IMAGES, TARGETS, name="it", seed=0)
