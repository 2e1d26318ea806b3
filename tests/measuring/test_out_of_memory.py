"""If memory runs out, half as many images at a time are tried, with the same maps and a warning."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import pytest
import torch
from support.images import noise
from support.networks import small
from torch import nn

from pytest_saliency_sanity import Batch, CascadingRandomizer, gradient
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.inference import max_rows, rows_at_a_time
from pytest_saliency_sanity.measuring.maps import maps_of
from pytest_saliency_sanity.measuring.src import SrcMeasurement
from pytest_saliency_sanity.methods.protocol import plain_passes

IMAGES, TARGETS = noise(12, 1, 10, 10), torch.arange(12) % 4
CPU_ERROR = (
    "[enforce fail at alloc_cpu.cpp:119] . DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"
)
ERRORS: dict[str, Callable[[], BaseException]] = {
    "of a GPU": lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    "of a CPU": lambda: RuntimeError(CPU_ERROR),
    "of Linux": lambda: RuntimeError(CPU_ERROR.replace("not enough", "can't allocate")),
    "of Python": MemoryError,
}


class Hungry:
    """The gradient, but memory runs out for more than so many images; ``tried``: how many it was called with."""

    __name__ = "hungry"

    def __init__(self, most: int, error: Callable[[], BaseException] = ERRORS["of a GPU"]) -> None:
        self.most = most
        self.error = error
        self.tried: list[int] = []

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.tried.append(len(images))
        if len(images) > self.most:
            raise self.error()
        return gradient(model, images, targets)


def explained(method: Hungry, images: torch.Tensor = IMAGES) -> torch.Tensor:
    return maps_of(method, small(), images, TARGETS[: len(images)], name="it on net, fc", seed=0)


@pytest.mark.parametrize("error", ERRORS)
def test_maps_are_those_of_a_method_with_enough_memory(error: str) -> None:
    method = Hungry(7, ERRORS[error])
    with rows_at_a_time(12):
        with pytest.warns(UserWarning, match="memory ran out") as told:
            maps = explained(method)
        assert max_rows(IMAGES) == 6
        explained(method)
    torch.testing.assert_close(maps, gradient(small(), IMAGES, TARGETS))
    assert method.tried == [12, 6, 6, 6, 6]
    (only,) = told
    assert str(only.message) == "it on net, fc: memory ran out with 12 images at a time; going on with half as many"


def test_it_is_halved_again_and_again_and_says_so_each_time() -> None:
    method = Hungry(1)
    with rows_at_a_time(1000), pytest.warns(UserWarning, match="memory ran out") as told:
        maps = explained(method)
    torch.testing.assert_close(maps, gradient(small(), IMAGES, TARGETS))
    assert method.tried == [12, 6, 3, *[1] * 12]
    assert [re.findall(r"with (\d+) images", str(each.message)) for each in told] == [["12"], ["6"], ["3"]]


def test_what_was_explained_before_memory_ran_out_is_kept() -> None:
    class LaterHungry(Hungry):
        def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            self.most = 4 if not self.tried else 3
            return super().__call__(model, images, targets)

    method = LaterHungry(4)
    with rows_at_a_time(4), pytest.warns(UserWarning, match="with 4 images"):
        maps = explained(method)
    torch.testing.assert_close(maps, gradient(small(), IMAGES, TARGETS))
    assert method.tried == [4, 4, 2, 2, 2, 2]


def test_the_limit_ends_with_the_context() -> None:
    before = max_rows(IMAGES)
    with rows_at_a_time(12):
        with pytest.warns(UserWarning, match="memory ran out"):
            explained(Hungry(7))
        assert max_rows(IMAGES) == 6
    assert max_rows(IMAGES) == before


@pytest.mark.parametrize("error", ERRORS)
def test_if_a_single_image_is_too_much_the_error_is_passed_on(error: str) -> None:
    method = Hungry(0, ERRORS[error])
    with (
        rows_at_a_time(2),
        pytest.warns(UserWarning, match="with 2 images"),
        pytest.raises(SaliencyMethodError, match=r"^it on net, fc: the method raised") as raised,
    ):
        explained(method)
    assert method.tried == [2, 1]
    assert isinstance(raised.value.__cause__, type(ERRORS[error]()))


def test_if_there_is_a_single_image_the_error_is_passed_on_as_well() -> None:
    method = Hungry(0)
    with (
        rows_at_a_time(1000),
        pytest.warns(UserWarning, match="with 1 images"),
        pytest.raises(SaliencyMethodError, match="CUDA out of memory"),
    ):
        explained(method, IMAGES[:1])
    assert method.tried == [1, 1]


def test_other_errors_are_passed_on_at_once_and_without_a_warning() -> None:
    method = Hungry(0, lambda: RuntimeError("shapes do not fit"))
    with rows_at_a_time(12), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(SaliencyMethodError, match="shapes do not fit"):
            explained(method)
    assert method.tried == [12]


@pytest.mark.parametrize("shared", [True, False])
def test_srcs_are_those_of_a_method_with_enough_memory(*, shared: bool) -> None:
    hungry = Hungry(2)

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return hungry(model, images, targets)

    if shared:
        plain_passes(method)
    cascade = CascadingRandomizer(small(), images=IMAGES)
    srcs = []
    with rows_at_a_time(4):
        for each in (gradient, method):
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                batch = Batch(IMAGES, TARGETS)
                made = SrcMeasurement(each, "it", "net", cascade, batch, signs=("signed",), seeds=2, seed=0)
                srcs.append(torch.from_numpy(made.profile("every").src))
    torch.testing.assert_close(*srcs, atol=1e-3, rtol=0)
    assert [str(each.message) for each in told] == [
        "it on net, the trained model: memory ran out with 4 images at a time; going on with half as many"
    ]
