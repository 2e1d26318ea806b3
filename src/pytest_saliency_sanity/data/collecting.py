"""Takes images and classes from a DataLoader or a data set, whatever its rows are like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch

from ..foundation.errors import quoted

IMAGES, LABELS = ("image", "images", "img", "pixel_values"), ("label", "labels", "target", "targets")
Transform = Callable[[Any], torch.Tensor]


def collected(source: Iterable[Any], n: int, transform: Transform | None) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return ``n`` images ``(n, C, H, W)`` and their classes ``(n,)``, None if there are none.

    Raises TypeError if an image is no tensor, ValueError if the source ends before or images differ in size.
    """
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n!r}")
    images: list[torch.Tensor] = []
    classes: list[int] = []
    if not (hasattr(source, "__iter__") or hasattr(source, "__getitem__")):
        raise TypeError(f"{quoted(source)} is no DataLoader and no data set: it has no rows")
    for image, label in samples(source, transform):
        if images and image.shape != images[0].shape:
            raise ValueError(f"images must have one size: {tuple(images[0].shape)}, then {tuple(image.shape)}")
        images.append(image)
        if label is not None:
            classes.append(class_of(label))
        if len(images) == n:
            break
    if len(images) < n:
        raise ValueError(f"the source ended after {len(images)} images: ask for n={len(images)} at most, or give more")
    if classes and len(classes) < n:
        raise ValueError(f"{len(classes)} of {n} images have a class: give one for each, or for none")
    return torch.stack(images), torch.tensor(classes) if classes else None


def samples(source: Iterable[Any], transform: Transform | None) -> Iterator[tuple[torch.Tensor, Any]]:
    """Yield each image ``(C, H, W)`` with its class, or None."""
    for row in source:
        found, labels = parts(row)
        if isinstance(found, torch.Tensor) and found.ndim == 4:
            given = [None] * len(found) if labels is None else labels
            if len(given) != len(found):
                raise ValueError(f"a batch has {len(found)} images and {len(given)} classes")
            yield from zip((tensor_of(image, transform) for image in found), given, strict=True)
        else:
            yield tensor_of(found, transform), labels


def parts(row: Any) -> tuple[Any, Any]:
    """Return the images and the classes of a row. Raises TypeError if it has no images."""
    if isinstance(row, Mapping):
        name = next((each for each in IMAGES if each in row), None)
        if name is None:
            raise TypeError(f"a row has {', '.join(map(repr, row)) or 'nothing'}, but none of {', '.join(IMAGES)}")
        return row[name], next((row[each] for each in LABELS if each in row), None)
    if isinstance(row, tuple | list):
        if len(row) not in (1, 2):
            raise TypeError(f"a row must be an image, or an image and a class; it has {len(row)} parts")
        return row[0], row[1] if len(row) == 2 else None
    return row, None


def class_of(label: Any) -> int:
    """Return a class. Raises TypeError unless it is a whole number."""
    try:
        number = int(label)
        whole = number == label
    except (TypeError, ValueError, OverflowError, RuntimeError):  # of a text, infinity, or several numbers
        whole = False
    if not whole:
        raise TypeError(f"a class must be a whole number, the index of its logit, not {quoted(label)}")
    return number


def tensor_of(image: Any, transform: Transform | None) -> torch.Tensor:
    """Return an image as a tensor ``(C, H, W)``. Raises TypeError or ValueError if it is none."""
    image = transform(image) if transform else image
    if not isinstance(image, torch.Tensor):
        raise TypeError(f"an image is {quoted(type(image).__name__)}, no tensor (C, H, W): give transform=")
    if image.ndim != 3:
        raise ValueError(f"an image must be (C, H, W), not {tuple(image.shape)}")
    return image
