"""A batch: the images to explain and the classes to explain them for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, eq=False)  # tensors have no one answer to ==
class Batch:
    """Images, normalised for the model, and the class to explain in each.

    ``images``: float ``(N, C, H, W)``, N >= 1. ``targets``: integer ``(N,)``, or None for the class that the
    unrandomised model predicts.

    Raises TypeError or ValueError if a tensor has another type or shape.
    """

    images: torch.Tensor
    targets: torch.Tensor | None = None

    def __post_init__(self) -> None:
        require_images(self.images)
        if self.targets is not None:
            require_targets(self.targets, len(self.images))

    @classmethod
    def collect(
        cls, source: Iterable[Any], n: int = 100, *, transform: Callable[[Any], torch.Tensor] | None = None
    ) -> Batch:
        """Return the first ``n`` images of a DataLoader or a data set, with their classes if it has them.

        ``source``: yields images, or pairs of images and classes, or rows with ``image`` and ``label`` (as data sets of
        Hugging Face do): one by one, ``(C, H, W)``, or in batches. ``transform``: makes of each image,
        also of those in a batch, the tensor that the network takes.

        Raises TypeError if an image is no tensor or a class no whole number, ValueError if the source ends before or
        images differ in size.
        """
        from .collecting import collected

        images, targets = collected(source, n, transform)
        return cls(images, targets)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def form(self) -> tuple[int, int, int]:
        """The size ``(C, H, W)`` of each image."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def first(self, n: int) -> Batch:
        """Return the first ``n`` images, in tensors of their own."""
        return Batch(self.images[:n].clone(), None if self.targets is None else self.targets[:n].clone())

    def to(self, device: torch.device | str) -> Batch:
        """Return the same batch on a device."""
        return Batch(self.images.to(device), None if self.targets is None else self.targets.to(device))


def require_images(images: torch.Tensor) -> None:
    """Raise TypeError or ValueError unless ``images`` is a float tensor ``(N, C, H, W)`` with at least one image."""
    if not isinstance(images, torch.Tensor):
        raise TypeError(f"images must be a torch.Tensor (N, C, H, W), not {type(images).__name__}")
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"images must have the shape (N, C, H, W), none of them 0; got {tuple(images.shape)}")
    if not images.is_floating_point():
        raise TypeError(f"images must be floating point and normalised for the model; got {images.dtype}")


def require_targets(targets: torch.Tensor, count: int) -> None:
    """Raise TypeError or ValueError unless ``targets`` is an integer tensor with one class for each image."""
    if not isinstance(targets, torch.Tensor):
        raise TypeError(f"targets must be a torch.Tensor (N,) of class indices, not {type(targets).__name__}")
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise TypeError(f"targets must be integer class indices; got {targets.dtype}")
    if tuple(targets.shape) != (count,):
        raise ValueError(f"targets must have one class per image, shape ({count},); got {tuple(targets.shape)}")
