"""What a method returns in place of plain maps, and what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.images import noise

from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.habits import observing
from pytest_saliency_sanity.measuring.returned import not_larger, plain, require_maps

IMAGES = noise(3, 1, 10, 12)
MAPS = noise(3, 10, 12)


class Hostile(torch.Tensor):
    """A subclass that raises whatever is asked of it."""

    @classmethod
    def __torch_function__(cls, *_: Any, **__: Any) -> Any:
        raise SystemExit("a subclass should not end the process")

    def __repr__(self, *_: Any, **__: Any) -> str:  # type: ignore[override]
        raise KeyError(101)


class Wrapper(torch.Tensor):
    """A subclass without values of its own."""

    @staticmethod
    def __new__(cls, maps: torch.Tensor) -> Wrapper:
        return torch.Tensor._make_wrapper_subclass(cls, maps.shape, dtype=maps.dtype)

    @classmethod
    def __torch_dispatch__(cls, *_: Any, **__: Any) -> Any:
        raise KeyError(101)


RETURNED: dict[str, tuple[Callable[[], object], str]] = {
    "nothing": (lambda: None, "returned NoneType, not a float tensor"),
    "a list": (lambda: [MAPS], "returned list, not a float tensor"),
    "numpy": (lambda: MAPS.numpy(), "returned numpy.ndarray, not"),
    "sparse": (
        lambda: MAPS.to_sparse(),
        r"returned a sparse tensor \(torch.sparse_coo; its .to_dense\(\) would do\), not",
    ),
    "meta": (lambda: MAPS.to("meta"), "returned a tensor on the device meta, which has no values, not"),
    "a wrapper": (lambda: Wrapper(MAPS), r"returned .*Wrapper, whose values can't be read \(KeyError: 101\), not"),
    "one map": (lambda: MAPS[0], r"returned the shape \(10, 12\), not"),
    "too few": (lambda: MAPS[:2], r"returned the shape \(2, 10, 12\), not"),
    "too many dimensions": (lambda: MAPS[:, None, None], r"returned the shape \(3, 1, 1, 10, 12\)"),
    "integers": (lambda: MAPS.long(), "returned torch.int64, not"),
    "complex": (lambda: MAPS.to(torch.complex64), "returned torch.complex64, not"),
    "a single position": (lambda: MAPS[:, :1, :1], "returned the shape .*: a map needs at least two positions"),
    "no position": (lambda: MAPS[:, :0], "returned the shape .*: a map needs at least two positions"),
    "no channel": (lambda: MAPS[:, None][:, :0], "returned the shape .*: a map needs at least two positions"),
}


@pytest.mark.parametrize("kind", RETURNED)
def test_what_is_no_batch_of_maps_is_said_in_a_sentence(kind: str) -> None:
    make, told = RETURNED[kind]
    with pytest.raises(SaliencyMethodError, match=f"^it on net: the method {told}"):
        require_maps(make(), IMAGES, "it on net")


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_nested_tensor_is_said_to_be_one() -> None:
    with pytest.raises(ValueError, match="a nested tensor"):
        plain(torch.nested.nested_tensor([*MAPS]))


def test_a_subclass_is_read_as_the_plain_tensor_that_it_is() -> None:
    maps = require_maps(MAPS.as_subclass(Hostile), IMAGES, "it")
    assert type(maps) is torch.Tensor
    assert torch.equal(maps, MAPS)


def test_maps_are_detached() -> None:
    assert not require_maps(MAPS.clone().requires_grad_() * 2, IMAGES, "it").requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_types_that_can_be_computed_with_stay(dtype: torch.dtype) -> None:
    assert require_maps(MAPS.to(dtype), IMAGES, "it").dtype is dtype


def test_a_type_that_can_not_is_made_one_that_can() -> None:
    tiny = MAPS.to(torch.float8_e4m3fn)
    assert torch.equal(require_maps(tiny, IMAGES, "it"), tiny.float())


def test_maps_that_are_larger_than_the_images_are_averaged_down_to_them() -> None:
    small = noise(3, 2, 10, 12)
    large = small.repeat_interleave(5, 2).repeat_interleave(7, 3)
    torch.testing.assert_close(not_larger(large, IMAGES), small)
    torch.testing.assert_close(not_larger(large[:, 0].half(), IMAGES), small[:, 0].half().float())
    wide = small[:, 0, :4].repeat_interleave(7, 2)  # coarser in one direction, finer in the other
    torch.testing.assert_close(not_larger(wide, IMAGES), small[:, 0, :4])


def test_that_maps_are_larger_is_noticed() -> None:
    with observing() as habits:
        not_larger(MAPS, IMAGES)
    assert habits.larger == ""
    with observing() as habits:
        not_larger(MAPS.repeat_interleave(2, 1), IMAGES)
    assert "20 x 12" in habits.larger


@pytest.mark.parametrize("shape", [(3, 1, 2), (3, 2, 1), (3, 4, 2, 1)])
def test_two_positions_are_enough(shape: tuple[int, ...]) -> None:
    assert require_maps(torch.zeros(shape), IMAGES, "it").shape == shape


def test_maps_that_are_not_larger_stay_the_same() -> None:
    assert not_larger(MAPS, IMAGES) is MAPS
    coarse = MAPS[:, :4, :5]
    assert not_larger(coarse, IMAGES) is coarse


def test_what_is_not_finite_in_a_large_map_stays_that() -> None:
    large = torch.ones(3, 100, 120)
    large[0, 50, 60] = torch.nan
    assert not_larger(large, IMAGES).isnan().sum() == 1
