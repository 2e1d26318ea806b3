"""Images and masks that a command names: a folder of photographs, or the import path of a batch or of masks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from ..foundation.imports import import_attribute
from .batch import Batch
from .photographs import find_images, load_photographs


def images_named(text: str, most: int | None = None) -> Batch:
    """Return the images that a folder of photographs holds, or that an import path leads to, the first ``most``.

    Raises ValueError or TypeError if it is neither.
    """
    if os.path.isdir(text):
        found: Any = load_photographs(text, None if most is None else min(most, len(find_images(Path(text)))))
    elif ":" in text:
        found = imported(text)
    else:
        raise ValueError(f"{text} is no folder, and not of the form package.module:attribute")
    if not isinstance(found, Batch):
        raise TypeError(f"{text} gives {type(found).__name__}, not a pytest_saliency_sanity.Batch")
    return found if most is None else found.first(most)


def masks_named(text: str) -> torch.Tensor:
    """Return the masks that an import path leads to. Raises ValueError or TypeError if it does not."""
    if ":" not in text:
        raise ValueError(f"{text} is not of the form package.module:attribute")
    found = imported(text)
    if not isinstance(found, torch.Tensor):
        raise TypeError(f"{text} gives {type(found).__name__}, not a torch.Tensor of masks")
    return found


def imported(text: str) -> Any:
    """Return what an import path leads to, or what that returns if it can be called."""
    found = import_attribute(text)
    return found() if callable(found) else found
