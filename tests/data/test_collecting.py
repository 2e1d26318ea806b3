"""Images are taken from loaders and data sets as their rows come, and what is missing is said."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from pytest_saliency_sanity import Batch

IMAGES = torch.arange(20 * 3 * 4 * 4.0).view(20, 3, 4, 4)
CLASSES = torch.arange(20) % 7
ROWS = [{"image": image, "label": int(label)} for image, label in zip(IMAGES, CLASSES, strict=True)]


def pil(value: int) -> Image.Image:
    return Image.fromarray(np.full((4, 4, 3), value, dtype=np.uint8))


def as_tensor(image: Image.Image) -> torch.Tensor:
    return torch.tensor(np.asarray(image)).permute(2, 0, 1) / 255


@pytest.mark.parametrize(
    "source",
    [
        DataLoader(TensorDataset(IMAGES, CLASSES), batch_size=6),
        TensorDataset(IMAGES, CLASSES),
        ROWS,
        [{"pixel_values": IMAGES[:9], "labels": CLASSES[:9]}, {"pixel_values": IMAGES[9:], "labels": CLASSES[9:]}],
    ],
    ids=["loader", "data set", "rows", "batches of rows"],
)
def test_the_first_images_are_taken_with_their_classes(source: Any) -> None:
    batch = Batch.collect(source, 13)
    assert torch.equal(batch.images, IMAGES[:13])
    assert batch.targets is not None
    assert torch.equal(batch.targets, CLASSES[:13])


@pytest.mark.parametrize("source", [DataLoader(TensorDataset(IMAGES), batch_size=6), IMAGES, [{"img": IMAGES}]])
def test_without_classes_the_network_s_are_explained(source: Any) -> None:
    batch = Batch.collect(source, 13)
    assert torch.equal(batch.images, IMAGES[:13])
    assert batch.targets is None


def test_a_class_may_be_a_number_of_any_type() -> None:
    rows = [(IMAGES[0], label) for label in (3.0, torch.tensor(3.0), np.float64(3), np.int8(3), torch.tensor(3))]
    batch = Batch.collect(rows, 5)
    assert batch.targets is not None
    assert batch.targets.tolist() == [3] * 5


def test_pictures_are_made_tensors_by_a_transform() -> None:
    rows = [{"image": pil(51 * each), "label": each} for each in range(5)]
    assert Batch.collect(rows, 5, transform=as_tensor).images.amax((1, 2, 3)).tolist() == pytest.approx(
        [0, 0.2, 0.4, 0.6, 0.8, 1][:5]
    )


def test_batches_are_transformed_image_by_image() -> None:
    loader = DataLoader(TensorDataset(IMAGES, CLASSES), batch_size=6)
    batch = Batch.collect(loader, 13, transform=lambda image: image[:, :2] / image.amax())
    assert torch.equal(batch.images, torch.stack([image[:, :2] / image.amax() for image in IMAGES[:13]]))


def test_no_more_is_read_than_is_asked_for() -> None:
    def endless() -> Iterator[tuple[torch.Tensor, int]]:
        yield from repeat((IMAGES[0], 3), 4)
        raise AssertionError("one too many")

    assert len(Batch.collect(endless(), 4)) == 4


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (DataLoader(TensorDataset(IMAGES, CLASSES)), "ended after 20 images: ask for n=20 at most, or give more"),
        ([], "ended after 0 images"),
        ([pil(0)], "an image is 'Image', no tensor"),
        ([{"picture": 1}], "a row has 'picture', but none of image, images, img, pixel_values"),
        ([(IMAGES[0], 1, 2)], "it has 3 parts"),
        ([(IMAGES[0], 1), (IMAGES[0, :, :2], 1)], r"images must have one size: \(3, 4, 4\), then \(3, 2, 4\)"),
        ([IMAGES[0, 0]], r"an image must be \(C, H, W\), not \(4, 4\)"),
        ([(IMAGES[:3], CLASSES[:2])], "a batch has 3 images and 2 classes"),
        *(
            ([(IMAGES[0], label)], "a class must be a whole number, the index of its logit, not ")
            for label in ("cat", "3", torch.eye(3)[0], 2.5, float("nan"))
        ),
        (5, "5 is no DataLoader and no data set: it has no rows"),
        ([(IMAGES[0], 1), *IMAGES], "1 of 21 images have a class: give one for each, or for none"),
    ],
)
def test_what_can_not_be_taken_is_said(source: Any, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        Batch.collect(source, 21)


def test_at_least_one_is_asked_for() -> None:
    with pytest.raises(ValueError, match="n must be at least 1, not 0"):
        Batch.collect(ROWS, 0)
