"""What a pass takes, and how many images at a time go through a model."""

from __future__ import annotations

import pytest
import torch
from support.networks import Breaking, small
from torch import nn

from pytest_saliency_sanity.foundation.inference import (
    MAX_INPUT_VALUES,
    ROWS_OF_LARGE_IMAGES,
    limit_rows,
    logits_of,
    max_rows,
    rows_at_a_time,
)
from pytest_saliency_sanity.foundation.memory import memory
from pytest_saliency_sanity.foundation.workload import GRAPH, Workload, suited_to, workload_of

IMAGES = torch.zeros(12, 1, 10, 10)
LARGE = torch.zeros(1, 3, 224, 224).expand(64, -1, -1, -1)
CPU = torch.device("cpu")


def test_memory_that_a_pass_uses_twice_counts_twice() -> None:
    # What a layer returned is let go when the next but one begins, and its place is taken by what that one returns.
    layers = [nn.Conv2d(4, 4, kernel_size=3, padding=1) for _ in range(8)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 64 * 64, 3))
    assert workload_of(model, torch.zeros(1, 4, 64, 64)).bytes == 4 * (8 * 4 * 64 * 64 + 3)


def test_the_bytes_of_a_pass_are_those_that_all_modules_return() -> None:
    # 6 x 8 x 8 and 5 x 6 x 6 of convolutions and of their activation functions, and the logits; flattened is a view.
    assert workload_of(small(), IMAGES).bytes == 4 * (2 * 6 * 64 + 2 * 5 * 36 + 4)


def test_what_is_written_in_place_is_counted_once() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(128, 3))
    assert workload_of(model, IMAGES).bytes == 4 * (128 + 3)


def test_a_model_that_can_not_be_looked_at_costs_nothing_that_is_known() -> None:
    found = workload_of(nn.Sequential(nn.Flatten(), Breaking("forward")), IMAGES)
    assert found.bytes == 0
    assert not found.is_small


def test_a_gpus_model_is_not_small() -> None:
    assert Workload(1, 1, CPU).is_small
    assert not Workload(1, 1, torch.device("cuda")).is_small


@pytest.mark.parametrize(("budget", "rows"), [(0, 1), (1600, 1), (16000, 2), (160_000, 20), (1_600_000, 200)])
def test_fewer_images_at_a_time_fit_into_a_smaller_budget(budget: int, rows: int) -> None:
    with memory(budget):
        assert Workload(1, 1000, CPU).rows == rows
    assert GRAPH == 2


def test_a_model_without_activations_has_no_limit_of_its_own() -> None:
    with memory(4000):
        assert Workload(1, 0, CPU).rows == 1000


def test_a_pass_takes_no_more_images_than_fit() -> None:
    rows: list[int] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = small()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            rows.append(len(images))
            logits: torch.Tensor = self.model(images)
            return logits

    model = Watched()
    whole = logits_of(model, IMAGES)
    bytes_of_one = workload_of(model, IMAGES).bytes
    rows.clear()
    with memory(4 * GRAPH * bytes_of_one * 5), suited_to(model, IMAGES):
        rows.clear()
        torch.testing.assert_close(logits_of(model, IMAGES), whole)
    assert rows == [5, 5, 2]


def test_without_a_context_the_size_of_the_images_decides() -> None:
    assert max_rows(LARGE) == MAX_INPUT_VALUES // (3 * 224 * 224) == 6
    assert max_rows(torch.zeros(1, 3, 64, 64)) == 85
    assert max_rows(torch.zeros(1, 1, 1025, 1025)) == 1


def test_within_a_context_large_images_go_together_as_well_if_they_fit() -> None:
    for most, large, usual in ((1000, ROWS_OF_LARGE_IMAGES, 85), (10, 10, 10), (0, 1, 1)):
        with rows_at_a_time(most):
            assert max_rows(LARGE) == large
            assert max_rows(torch.zeros(1, 3, 64, 64)) == usual
    assert max_rows(LARGE) == 6


def test_a_lower_limit_holds_to_the_end_of_the_context_also_from_within_a_function() -> None:
    with rows_at_a_time(20):
        limit_rows(7)
        assert max_rows(LARGE) == 7
        with rows_at_a_time(3):
            assert max_rows(LARGE) == 3
        assert max_rows(LARGE) == 7
    assert max_rows(LARGE) == 6


def test_the_limit_is_lifted_after_an_error() -> None:
    with pytest.raises(KeyError), rows_at_a_time(2):
        raise KeyError
    assert max_rows(LARGE) == 6
