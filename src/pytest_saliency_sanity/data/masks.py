"""Masks: which pixels of each image belong to a region."""

from __future__ import annotations

import torch


def require_masks(masks: torch.Tensor, images: torch.Tensor) -> None:
    """Raise TypeError or ValueError unless there is one mask per image, of its size, neither empty nor full."""
    wanted = (len(images), *images.shape[2:])
    if not isinstance(masks, torch.Tensor):
        raise TypeError(f"masks must be a torch.Tensor {wanted} of bool, not {type(masks).__name__}")
    if masks.dtype != torch.bool:
        raise TypeError(f"masks must be bool, True inside the region; got {masks.dtype}: compare it, as in masks > 0.5")
    if tuple(masks.shape) != wanted:
        raise ValueError(f"masks must be one per image and of its size, {wanted}; got {tuple(masks.shape)}")
    inside = masks.flatten(1).double().mean(1)
    for problem, wrong in (("empty", inside == 0), ("full", inside == 1)):
        if wrong.any():
            rows = wrong.nonzero().flatten().tolist()
            raise ValueError(
                f"{len(rows)} of {len(masks)} masks are {problem}, the first is masks[{rows[0]}]: "
                "the mass inside says nothing there; leave these images out"
            )
