"""What gradient-based methods share: the scores to differentiate, and batches that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..data.batch import require_images, require_targets
from ..foundation.inference import evaluation_mode, max_rows, require_logits


@contextmanager
def explaining(model: nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode and switch gradients on within the context, whatever the caller's modes."""
    with evaluation_mode(model), torch.inference_mode(False), torch.enable_grad():
        yield


def class_scores(logits: object, targets: torch.Tensor) -> torch.Tensor:
    """Return each image's logit of its target class, before any softmax: ``(N,)`` from logits ``(N, classes)``.

    Raises TypeError or ValueError if the logits have another form or a target is not one of their classes.
    """
    valid = require_logits(logits, len(targets))
    classes = valid.shape[1]
    outside = targets[(targets < 0) | (targets >= classes)]
    if len(outside):
        raise ValueError(f"targets must be classes 0 to {classes - 1} of the model; got {outside.unique().tolist()}")
    return valid.gather(1, targets[:, None].long())[:, 0]


def in_chunks(
    images: torch.Tensor, targets: torch.Tensor, copies: int = 1
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield images and targets in chunks small enough to hold ``copies`` of each image in memory.

    Raises TypeError or ValueError if they do not form a batch.
    """
    require_images(images)
    require_targets(targets, len(images))
    targets = targets.to(images.device).long()
    rows = max(1, max_rows(images) // copies)
    for start in range(0, len(images), rows):
        # Cloned, since a tensor created in inference mode can't be differentiated.
        yield images[start : start + rows].detach().clone(), targets[start : start + rows].clone()
