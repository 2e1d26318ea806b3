"""What a batch may hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pytest_saliency_sanity import Batch


@pytest.mark.parametrize(
    ("images", "targets", "error", "message"),
    [
        (np.zeros((2, 3, 8, 8)), None, TypeError, "not ndarray"),
        (torch.zeros(3, 8, 8), None, ValueError, r"\(N, C, H, W\)"),
        (torch.zeros(0, 3, 8, 8), None, ValueError, "none of them 0"),
        (torch.zeros(2, 0, 8, 8), None, ValueError, "none of them 0"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), None, TypeError, "floating point"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.int64), None, TypeError, "floating point"),
        (torch.zeros(2, 3, 8, 8), [0, 1], TypeError, "not list"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2), TypeError, "integer class indices"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2, dtype=torch.bool), TypeError, "integer class indices"),
        (
            torch.zeros(2, 3, 8, 8),
            torch.zeros(2, 1, dtype=torch.long),
            ValueError,
            r"one class per image, shape \(2,\); got \(2, 1\)",
        ),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3, dtype=torch.long), ValueError, r"shape \(2,\); got \(3,\)"),
    ],
)
def test_a_batch_of_something_else_is_an_error(
    images: torch.Tensor, targets: torch.Tensor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Batch(images, targets)


def test_a_batch_may_leave_the_classes_to_the_model_and_knows_its_length() -> None:
    assert Batch(torch.zeros(2, 3, 8, 8)).targets is None
    assert len(Batch(torch.zeros(5, 1, 8, 8), torch.zeros(5, dtype=torch.int32))) == 5


def test_a_batch_moves_whole() -> None:
    moved = Batch(torch.zeros(2, 3, 8, 8), torch.zeros(2, dtype=torch.long)).to("meta")
    assert moved.targets is not None
    assert (moved.images.device.type, moved.targets.device.type) == ("meta", "meta")
    assert Batch(torch.zeros(2, 3, 8, 8)).to("meta").targets is None


def test_the_first_images_of_a_batch_are_tensors_of_their_own() -> None:
    batch = Batch(torch.zeros(5, 1, 8, 8), torch.arange(5))
    first = batch.first(2)
    assert first.targets is not None
    assert (len(first), first.targets.tolist()) == (2, [0, 1])
    first.images.fill_(1)
    first.targets.fill_(9)
    assert batch.images.sum() == 0
    assert batch.targets is not None
    assert batch.targets.tolist() == [0, 1, 2, 3, 4]
    assert Batch(torch.zeros(2, 3, 8, 8)).first(1).targets is None
