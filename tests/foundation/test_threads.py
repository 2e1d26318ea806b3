"""Small networks are measured in one thread, large ones in the user's, and the user's number is put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from support.images import digits
from support.networks import Breaking, small
from torch import nn

from pytest_saliency_sanity import build_model, load_checkpoint
from pytest_saliency_sanity.foundation.threads import one_thread
from pytest_saliency_sanity.foundation.workload import SMALL, suited_to, workload_of


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def threads_seen(model: nn.Module, images: torch.Tensor) -> int:
    with suited_to(model, images):
        return torch.get_num_threads()


def test_one_thread_is_one_inside_and_the_users_number_outside() -> None:
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_the_number_is_put_back_after_an_exception_and_after_somebody_changed_it() -> None:
    def broken() -> None:
        with one_thread():
            torch.set_num_threads(3)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert torch.get_num_threads() == 2


def test_multiplications_are_counted_as_on_paper() -> None:
    # 6 x 8 x 8 outputs of 1 x 3 x 3 weights, 5 x 6 x 6 outputs of 6 x 3 x 3, and 180 x 4.
    expected = 6 * 64 * 9 + 5 * 36 * 54 + 180 * 4
    assert workload_of(small(), torch.zeros(1, 1, 10, 10)).multiplications == expected


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_the_shipped_networks_are_measured_in_one_thread(network: str) -> None:
    assert threads_seen(load_checkpoint(network), digits(2)) == 1


def test_a_large_network_keeps_the_users_threads() -> None:
    model = build_model("vgg11", width=0.5).eval()
    assert workload_of(model, digits(1)).multiplications > SMALL
    assert threads_seen(model, digits(1)) == 2


def test_a_model_that_can_not_be_looked_at_keeps_the_users_threads_and_raises_elsewhere() -> None:
    assert threads_seen(nn.Sequential(nn.Flatten(), Breaking("forward")), torch.zeros(2, 1, 4, 4)) == 2


def test_counting_leaves_the_model_as_it_was() -> None:
    model = small().train()
    workload_of(model, torch.zeros(1, 1, 10, 10))
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
