"""Spearman's rank correlation: scipy's numbers, the paper's formula, and NaN where nothing can be said."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata, spearmanr
from support.properties import quick
from support.skips import needs_cuda

from pytest_saliency_sanity import spearman
from pytest_saliency_sanity.measuring import ranks, ranks_on_gpu
from pytest_saliency_sanity.measuring.maps import as_seen
from pytest_saliency_sanity.measuring.ranks import average_ranks, correlation, standard_ranks

MAPS, HEIGHT, WIDTH = 12, 7, 9


def normal(seed: int, shape: tuple[int, ...] = (MAPS, HEIGHT, WIDTH)) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def with_signed_zeros(maps: torch.Tensor) -> torch.Tensor:
    """Half of the zeros negative: equal to the others, but with other bits."""
    zeros = maps.relu()
    zeros[:, ::2] *= -1
    return zeros


KINDS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "no ties": lambda maps: maps,
    "rounded": lambda maps: (2 * maps).round(),
    "mostly zeros": lambda maps: (maps - 1).relu(),
    "negative zeros": with_signed_zeros,
    "two values": lambda maps: (maps > 0).double(),
    "far apart": lambda maps: maps * (40 * maps).exp(),
}


def by_scipy(maps_a: torch.Tensor, maps_b: torch.Tensor) -> torch.Tensor:
    pairs = zip(maps_a.flatten(1).double().numpy(), maps_b.flatten(1).double().numpy(), strict=True)
    return torch.tensor([float(spearmanr(a, b).statistic) for a, b in pairs], dtype=torch.float64)


@pytest.mark.parametrize("kind_b", KINDS)
@pytest.mark.parametrize("kind_a", KINDS)
def test_equals_scipy(kind_a: str, kind_b: str) -> None:
    maps_a = KINDS[kind_a](normal(1))
    maps_b = KINDS[kind_b](0.6 * normal(1) + 0.8 * normal(2))
    src = spearman(maps_a, maps_b)
    assert src.shape == (MAPS,)
    assert src.dtype == torch.float64
    torch.testing.assert_close(src, by_scipy(maps_a, maps_b), atol=1e-6, rtol=0)


def test_negative_zeros_are_what_the_kind_says() -> None:
    zeros = KINDS["negative zeros"](normal(1))
    assert (zeros == 0).any()
    assert torch.signbit(zeros[zeros == 0]).any()
    assert not torch.signbit(zeros[zeros == 0]).all()


def test_equals_scipy_on_a_map_as_large_as_an_image() -> None:
    maps_a, maps_b = normal(1, (2, 3, 224, 224)).relu(), normal(2, (2, 3, 224, 224))
    torch.testing.assert_close(spearman(maps_a, maps_b), by_scipy(maps_a, maps_b), atol=1e-6, rtol=0)


@pytest.mark.parametrize("pixels", [2, 3, 49, 4096])
def test_equals_the_papers_formula_without_ties(pixels: int) -> None:
    maps_a, maps_b = normal(1, (5, pixels)), normal(2, (5, pixels))
    distance = maps_a.argsort(1).argsort(1) - maps_b.argsort(1).argsort(1)
    formula = 1 - 6 * distance.double().square().sum(1) / (pixels * (pixels**2 - 1))
    torch.testing.assert_close(spearman(maps_a, maps_b), formula, atol=1e-12, rtol=0)


def test_a_map_with_itself_is_one_and_with_its_negative_minus_one() -> None:
    maps = normal(1)
    ones = torch.ones(MAPS, dtype=torch.float64)
    torch.testing.assert_close(spearman(maps, maps), ones, atol=1e-12, rtol=0)
    torch.testing.assert_close(spearman(maps, -maps), -ones, atol=1e-12, rtol=0)


def test_never_leaves_the_range_from_minus_one_to_one() -> None:
    maps = normal(1, (500, 11))
    for src in (spearman(maps, maps), spearman(maps, -maps)):
        assert src.abs().max() <= 1


def test_is_symmetric() -> None:
    assert torch.equal(spearman(normal(1), normal(2)), spearman(normal(2), normal(1)))


def test_does_not_change_under_monotone_transforms() -> None:
    maps_a, maps_b = normal(1).mul(3).round(), normal(2)
    assert torch.equal(spearman(maps_a, maps_b), spearman(maps_a.exp(), 1e-200 * maps_b**3 - 5e-201))


def test_signs_count() -> None:
    # By magnitude the two maps are the same.
    maps_a, maps_b = torch.tensor([[-3.0, 1.0, 2.0]]), torch.tensor([[3.0, 1.0, 2.0]])
    assert spearman(maps_a, maps_b).item() == pytest.approx(-0.5)
    assert spearman(maps_a.abs(), maps_b.abs()).item() == pytest.approx(1)


@pytest.mark.parametrize("side", [0, 1])
def test_undefined_maps_are_nan_and_the_others_are_not(side: int) -> None:
    pair = [normal(1), normal(2)]
    expected = spearman(*pair)
    pair[side][0] = 0.0
    pair[side][2] = -7.25
    pair[side][4, 3, 3] = torch.nan
    pair[side][5] = torch.nan
    pair[side][7, 0, 0] = torch.inf
    pair[side][8, 6, 8] = -torch.inf
    pair[side][9, :, ::2] = -0.0  # constant, with either sign of zero
    pair[side][9, :, 1::2] = 0.0
    undefined = torch.tensor([row in (0, 2, 4, 5, 7, 8, 9) for row in range(MAPS)])
    src = spearman(*pair)
    assert src.isnan().tolist() == undefined.tolist()
    assert torch.equal(src[~undefined], expected[~undefined])


def test_a_constant_of_many_pixels_that_no_float_holds_exactly_is_still_constant() -> None:
    assert spearman(torch.full((1, 224, 224), 0.1), torch.rand(1, 224, 224)).isnan().all()


def test_two_values_that_differ_in_the_last_bit_are_no_constant() -> None:
    almost = torch.full((1, 10), 1.0)
    almost[0, 3] = torch.nextafter(torch.tensor(1.0), torch.tensor(2.0))
    assert spearman(almost, almost).item() == pytest.approx(1)


def test_a_batch_has_the_numbers_of_its_maps_one_by_one() -> None:
    maps_a, maps_b = normal(1).relu(), normal(2)
    alone = torch.cat([spearman(maps_a[i : i + 1], maps_b[i : i + 1]) for i in range(MAPS)])
    torch.testing.assert_close(spearman(maps_a, maps_b), alone, atol=1e-14, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_float_type_is_compared_as_it_is(dtype: torch.dtype) -> None:
    maps_a, maps_b = normal(1).to(dtype), normal(2).to(dtype)
    src = spearman(maps_a, maps_b)
    assert src.dtype == torch.float64
    torch.testing.assert_close(src, by_scipy(maps_a, maps_b), atol=1e-6, rtol=0)


def test_memory_layout_makes_no_difference() -> None:
    maps_a, maps_b = normal(1, (3, 4, 5, 6)), normal(2, (3, 4, 5, 6))
    channels_last = maps_a.contiguous(memory_format=torch.channels_last)
    assert channels_last.stride() != maps_a.stride()
    assert torch.equal(spearman(channels_last, maps_b), spearman(maps_a, maps_b))


def test_maps_that_require_gradients_are_compared_and_left_as_they_are() -> None:
    maps = normal(1).requires_grad_()
    before = maps.detach().clone()
    assert not spearman(maps, normal(2)).requires_grad
    assert torch.equal(maps.detach(), before)


def test_unequal_shapes_are_an_error_that_names_both() -> None:
    with pytest.raises(ValueError, match=r"same shape.*\(4, 7, 7\), \(4, 14, 14\)"):
        spearman(torch.rand(4, 7, 7), torch.rand(4, 14, 14))


@pytest.mark.parametrize("side", [0, 1])
def test_anything_but_tensors_is_an_error_that_names_the_type(side: int) -> None:
    pair: list[object] = [torch.rand(2, 3), torch.rand(2, 3)]
    pair[side] = torch.rand(2, 3).numpy()
    with pytest.raises(TypeError, match=r"torch\.Tensor.*not ndarray"):
        spearman(*pair)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(4, 1), (4, 1, 1), (4, 3, 0), (5,), ()])
def test_maps_without_two_values_are_an_error_that_shows_the_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least two values each") as caught:
        spearman(torch.rand(shape), torch.rand(shape))
    assert str(tuple(shape)) in str(caught.value)


def test_no_maps_have_no_srcs() -> None:
    assert spearman(torch.rand(0, 5, 5), torch.rand(0, 5, 5)).shape == (0,)


def literal_ranks(values: np.ndarray) -> np.ndarray:
    """What an average rank is, counted from 0: how many are lower, and half of how many others are equal."""
    lower = (values[:, None, :] < values[:, :, None]).sum(2)
    equal = (values[:, None, :] == values[:, :, None]).sum(2)
    found: np.ndarray = lower + (equal - 1) / 2
    return found


def last_bits(shape: tuple[int, ...]) -> torch.Tensor:
    """Values that fall from place to place, by so little that float32 holds none of the differences."""
    return 1 - torch.arange(math.prod(shape), dtype=torch.float64).reshape(shape) * 2.0**-53


ROWS, PIXELS = 30, 63
COUNTED: dict[str, Callable[[], torch.Tensor]] = {
    "levels of either sign": lambda: (5 * normal(1, (ROWS, PIXELS))).round(),
    "negative levels": lambda: -40 + normal(1, (ROWS, PIXELS)).round(),
    "levels as seen": lambda: as_seen(normal(1, (ROWS, 28, 28))).flatten(1),
    "two levels": lambda: (normal(1, (ROWS, PIXELS)) > 0).double(),
    "zeros of either sign": lambda: with_signed_zeros(normal(1, (ROWS, PIXELS)).round()),
    "as many levels as values": lambda: torch.arange(PIXELS - 1.0, -1, -1, dtype=torch.float64).expand(2, -1),
    "large neighbours": lambda: 2.0**52 + normal(1, (ROWS, PIXELS)).round(),
    "constant": lambda: torch.full((3, PIXELS), -7.0, dtype=torch.float64),
    "one row": lambda: normal(1, (1, PIXELS)).round(),
    "no rows": lambda: normal(1, (0, PIXELS)),
}
SORTED: dict[str, Callable[[], torch.Tensor]] = {
    "float64": lambda: normal(1, (ROWS, PIXELS)),
    "float32": lambda: normal(1, (ROWS, PIXELS)).float(),
    "float16": lambda: normal(1, (ROWS, PIXELS)).half(),
    "bfloat16": lambda: normal(1, (ROWS, PIXELS)).bfloat16(),
    "halves": lambda: normal(1, (ROWS, PIXELS)).round() / 2,
    "zeros of either sign": lambda: with_signed_zeros(normal(1, (ROWS, PIXELS))),
    "levels too far apart to count": lambda: (1000 * normal(1, (ROWS, PIXELS))).round(),
    "levels that float32 does not hold": lambda: 2.0**30 + (1000 * normal(1, (ROWS, PIXELS))).round(),
    "one too many levels": lambda: torch.tensor([[0.0, 2.0]], dtype=torch.float64),
    "one row of levels among others": lambda: torch.cat([normal(1, (2, PIXELS)), normal(2, (1, PIXELS)).round()]),
    "a trace beside levels": lambda: torch.tensor([[-5.0, 1e-30, 0.0, -1e-30, 3.0, 2.0]], dtype=torch.float64),
    "tiny": lambda: 1e-30 * normal(1, (ROWS, PIXELS)),
    "huge": lambda: 1e30 * normal(1, (ROWS, PIXELS)).float(),
    "the smallest numbers": lambda: 5e-324 * (100 * normal(1, (ROWS, PIXELS))).round(),
    "the largest numbers": lambda: torch.tensor([[1.0, -1.7e308, 1.7e308, -1.0, 1.7e308]], dtype=torch.float64),
    "infinite": lambda: torch.tensor([[math.inf, 1.0, -math.inf, math.inf, -1.7e308]], dtype=torch.float64),
    "other last bits": lambda: last_bits((2, PIXELS)),
    "other last bits, negative": lambda: -last_bits((2, PIXELS)).flip(1),
    "other last bits in one row": lambda: torch.cat([normal(1, (2, PIXELS)), last_bits((1, PIXELS))]),
    "other last bits, with ties": lambda: last_bits((2, PIXELS)).repeat(1, 2),
    "constant": lambda: torch.full((3, PIXELS), 0.1, dtype=torch.float64),
    "one row": lambda: normal(1, (1, PIXELS)),
    "not contiguous": lambda: normal(1, (PIXELS, ROWS)).T,
}
BOTH = [
    pytest.param(maps, id=name) for name, maps in {**COUNTED, **{f"{k}, sorted": SORTED[k] for k in SORTED}}.items()
]


@pytest.mark.parametrize("maps", BOTH)
def test_ranks_are_exact(maps: Callable[[], torch.Tensor]) -> None:
    values = maps().double()
    found = average_ranks(values)
    assert found.dtype == torch.float64
    # Exact: halves, below 2^53.
    np.testing.assert_array_equal(found.numpy(), literal_ranks(values.numpy()))
    np.testing.assert_array_equal(found.numpy(), rankdata(values.numpy(), axis=1) - 1)


@pytest.mark.parametrize("maps", BOTH)
def test_sorting_ranks_whatever_the_values_are(maps: Callable[[], torch.Tensor]) -> None:
    values = maps().double().contiguous().numpy()
    np.testing.assert_array_equal(ranks._by_sorting(values), literal_ranks(values))


@pytest.mark.parametrize("name", COUNTED)
def test_neighbouring_integers_are_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ranks, "_by_sorting")
    values = COUNTED[name]()
    np.testing.assert_array_equal(average_ranks(values).numpy(), literal_ranks(values.numpy()))


@pytest.mark.parametrize("name", SORTED)
def test_all_else_is_sorted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ranks, "_by_counting")
    values = SORTED[name]().double()
    np.testing.assert_array_equal(average_ranks(values).numpy(), literal_ranks(values.numpy()))


@pytest.mark.parametrize("maps", BOTH)
def test_what_a_gpu_does_gives_the_same_ranks(maps: Callable[[], torch.Tensor]) -> None:
    values = maps().double()
    np.testing.assert_array_equal(ranks_on_gpu.average_ranks(values).numpy(), literal_ranks(values.numpy()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_what_a_gpu_does_gives_the_same_standard_ranks(kind: str, dtype: torch.dtype) -> None:
    maps = KINDS[kind](normal(3)).to(dtype).flatten(1)
    maps[1], maps[2, 3], maps[3, 0], maps[4, -1] = 0.1, math.nan, math.inf, -math.inf
    found, wanted = ranks_on_gpu.standard_ranks(maps), standard_ranks(maps)
    assert found[1:5].isnan().all()
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-15, equal_nan=True)


@needs_cuda
@pytest.mark.parametrize("block", [1, 70, 2**23])
def test_srcs_are_the_same_on_cuda_and_nothing_waits_for_it_before(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks_on_gpu, "BLOCK", block)
    here = [normal(seed).float() for seed in (1, 2)]
    there = [maps.cuda() for maps in here]
    torch.cuda.set_sync_debug_mode("error")
    try:
        kept = [standard_ranks(maps) for maps in there]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    torch.testing.assert_close(correlation(*kept), spearman(*here), rtol=0, atol=1e-12)
    torch.testing.assert_close(spearman(there[0], here[1]), spearman(*here), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", SORTED)
def test_sorted_values_come_with_their_places_in_all_the_rows(name: str) -> None:
    values = SORTED[name]().double().contiguous().numpy()
    ordered, order = ranks._sorted(values)
    np.testing.assert_array_equal(ordered, np.sort(values, axis=1))
    np.testing.assert_array_equal(values.ravel()[order], ordered)
    every_place = np.arange(values.size).reshape(values.shape)
    np.testing.assert_array_equal(np.sort(order, axis=1), every_place)


def test_last_bits_are_what_float32_does_not_hold() -> None:
    values = last_bits((2, PIXELS))
    assert len(values.float().unique()) == 1
    assert (values.diff(dim=1) < 0).all()


@pytest.mark.parametrize("rest", [0.0, 0.5])
def test_nan_ranks_above_all_else_and_equals_nothing(rest: float) -> None:
    values = torch.tensor([[math.nan, rest, -1.0, math.nan, math.inf], [3.0, rest, 3.0, -1.0, rest]])
    found = average_ranks(values.double())
    assert sorted(found[0, [0, 3]].tolist()) == [3, 4]
    assert found[0, [1, 2, 4]].tolist() == [1, 0, 2]
    assert found[1].tolist() == [3.5, 1.5, 3.5, 0, 1.5]


@pytest.mark.parametrize("values", [normal(1, (7, 500)), normal(1, (7, 500)).round(), normal(1, (7, 500)).relu()])
@pytest.mark.parametrize("block", [1, 999, 1000, 2000, 3500, 10**6])
def test_how_many_maps_are_ranked_at_once_makes_no_difference(
    values: torch.Tensor, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values[2, 7], values[5] = math.nan, 3.0
    expected = torch.cat([standard_ranks(row[None]) for row in values])
    assert expected.isnan().all(1).nonzero().flatten().tolist() == [2, 5]
    monkeypatch.setattr(ranks, "BLOCK", block)
    torch.testing.assert_close(standard_ranks(values), expected, atol=1e-15, rtol=0, equal_nan=True)
    others = normal(2, (7, 500))
    src = spearman(values, others)
    assert src.shape == (7,)
    torch.testing.assert_close(src, correlation(expected, standard_ranks(others)), atol=1e-14, rtol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32])
def test_standard_ranks_are_scipys_centred_and_of_length_1(dtype: torch.dtype) -> None:
    maps = (40 + 10 * normal(1)).to(dtype)
    expected = rankdata(maps.double().flatten(1).numpy(), axis=1)
    expected -= expected.mean(1, keepdims=True)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    found = standard_ranks(maps)
    assert found.dtype == torch.float64
    assert found.shape == (MAPS, HEIGHT * WIDTH)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-14, rtol=0)


def test_maps_larger_than_a_block_have_scipys_ranks() -> None:
    maps = torch.cat([normal(1, (2, 300, 300)), (50 * normal(2, (2, 300, 300))).round()]).float().flatten(1)
    assert maps[0].numel() > ranks.BLOCK
    np.testing.assert_array_equal(average_ranks(maps.double()).numpy(), rankdata(maps.numpy(), axis=1) - 1)


# Whatever the maps. Two to twelve values, many of them the same: what makes ranks difficult are ties.

# A correlation is a sum of at most twelve products whose magnitudes add up to at most 1 (Cauchy and Schwarz), of
# numbers that are wrong by a few roundings of float64, 2e-16 each: another order of the sum is less than 1e-14 off.
ROUNDING = 1e-13
VALUES = st.integers(-4, 4).map(float) | st.floats(-1e300, 1e300, allow_subnormal=False)


@st.composite
def pairs(draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw two batches of maps of one shape ``(N, P)``."""
    shape = draw(st.integers(1, 4)), draw(st.integers(2, 12))
    drawn = (draw(arrays(np.float64, shape, elements=values)) for _ in range(2))
    maps_a, maps_b = (torch.from_numpy(each) for each in drawn)
    return maps_a, maps_b


def mapped(maps: torch.Tensor, images: Sequence[float]) -> torch.Tensor:
    """Return maps with every value replaced by its image under the increasing function that has these images."""
    values, place = maps.unique(return_inverse=True)
    return torch.tensor(sorted(images), dtype=torch.float64)[: len(values)][place]


@settings(quick)
@given(pair=pairs(), data=st.data())
def test_any_increasing_function_of_either_map_changes_nothing(
    pair: tuple[torch.Tensor, torch.Tensor], data: st.DataObject
) -> None:
    maps_a, maps_b = pair
    expected = spearman(maps_a, maps_b)
    for side in (0, 1):
        count = len(pair[side].unique())
        images = data.draw(st.lists(st.floats(-1e300, 1e300), min_size=count, max_size=count, unique=True))
        changed = [maps_a, maps_b]
        changed[side] = mapped(pair[side], images)
        # Exact: the ranks are the same.
        torch.testing.assert_close(spearman(*changed), expected, atol=0, rtol=0, equal_nan=True)


@settings(quick)
@given(pair=pairs(), data=st.data())
def test_the_same_new_places_in_both_maps_change_nothing(
    pair: tuple[torch.Tensor, torch.Tensor], data: st.DataObject
) -> None:
    maps_a, maps_b = pair
    places = data.draw(st.permutations(range(maps_a.shape[1])))
    moved = spearman(maps_a[:, places], maps_b[:, places])
    torch.testing.assert_close(moved, spearman(maps_a, maps_b), atol=ROUNDING, rtol=0, equal_nan=True)


@settings(quick)
@given(pair=pairs())
def test_any_two_maps_may_change_places(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    maps_a, maps_b = pair
    # Exact: multiplication is commutative, in floating point too.
    torch.testing.assert_close(spearman(maps_b, maps_a), spearman(maps_a, maps_b), atol=0, rtol=0, equal_nan=True)


@settings(quick)
@given(pair=pairs())
def test_the_negative_of_one_map_has_the_negative_src(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    maps_a, maps_b = pair
    expected = -spearman(maps_a, maps_b)
    for negated in (spearman(-maps_a, maps_b), spearman(maps_a, -maps_b)):
        torch.testing.assert_close(negated, expected, atol=ROUNDING, rtol=0, equal_nan=True)


@settings(quick)
@given(pair=pairs())
@pytest.mark.filterwarnings("ignore:An input array is constant")
def test_any_two_maps_have_scipys_src(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    # scipy computes the correlation from covariances, with a few more roundings of numbers up to 12^2.
    torch.testing.assert_close(spearman(*pair), by_scipy(*pair), atol=1e-12, rtol=0, equal_nan=True)


@settings(quick)
@given(pair=pairs(VALUES | st.just(math.nan) | st.just(math.inf) | st.just(-math.inf)))
def test_a_src_is_undefined_exactly_for_maps_that_are_constant_or_not_finite(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    src = spearman(*pair)
    undefined = [
        any(len(set(row)) == 1 or not all(map(math.isfinite, row)) for row in rows)
        for rows in zip(*(maps.tolist() for maps in pair), strict=True)
    ]
    assert src.isnan().tolist() == undefined
    assert ((src >= -1) & (src <= 1) | src.isnan()).all()


@settings(quick)
@given(pair=pairs(), data=st.data())
def test_any_row_of_a_batch_is_compared_as_if_it_were_alone(
    pair: tuple[torch.Tensor, torch.Tensor], data: st.DataObject
) -> None:
    maps_a, maps_b = pair
    rows = data.draw(st.lists(st.integers(0, len(maps_a) - 1), min_size=1, max_size=4))
    some = spearman(maps_a[rows], maps_b[rows])
    torch.testing.assert_close(some, spearman(maps_a, maps_b)[rows], atol=ROUNDING, rtol=0, equal_nan=True)


EVEN_FARTHER = st.floats(allow_nan=False) | st.sampled_from([1e-30, -1e-30, 0.0, -0.0, 1e30, 2.0**24 + 1, 2.0**53])
CLOSE = st.integers(-3, 3).map(lambda steps: 1 + steps * 2.0**-52)  # values whose last bits differ
LEVELS = st.integers(-3, 3).map(float)


@settings(quick)
@given(
    values=st.sampled_from([EVEN_FARTHER, CLOSE, LEVELS, LEVELS | CLOSE, LEVELS | EVEN_FARTHER]).flatmap(
        lambda elements: arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 12)), elements=elements)
    )
)
def test_any_values_have_exactly_their_average_ranks(values: np.ndarray) -> None:
    expected = literal_ranks(values)
    np.testing.assert_array_equal(average_ranks(torch.from_numpy(values)).numpy(), expected)
    np.testing.assert_array_equal(ranks._by_sorting(values), expected)


@settings(quick)
@given(arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(2, 12)), elements=st.integers(0, 11)))
def test_any_integers_are_counted_to_exactly_their_average_ranks(levels: np.ndarray) -> None:
    np.testing.assert_array_equal(ranks._by_counting(levels), literal_ranks(levels))
