"""What a check is put to in a test: a method on a network, with a few images."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from pytest_saliency_sanity import Batch, load_batch, load_checkpoint
from pytest_saliency_sanity.checks.judging.subject import Subject


def subject(
    method: Any,
    model: nn.Module | None = None,
    images: torch.Tensor | None = None,
    *,
    seed: int = 0,
    name: str = "it",
    model_name: str = "alexnet",
) -> Subject:
    """Return a method under a name, by default on the shipped AlexNet with twelve digits."""
    batch = Batch(load_batch("mnist", 12).images if images is None else images)
    return Subject(
        method,
        name,
        load_checkpoint("alexnet") if model is None else model,
        model_name,
        batch,
        seed=seed,
        all_images=True,
    )
