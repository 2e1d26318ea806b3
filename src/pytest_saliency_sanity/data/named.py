"""Images that a command names: a folder of photographs, or the import path of a batch."""

from __future__ import annotations

import os
from typing import Any

from ..foundation.imports import import_attribute
from .batch import Batch
from .photographs import load_photographs


def images_named(text: str) -> Batch:
    """Return the images that a folder of photographs holds, or that an import path leads to.

    Raises ValueError or TypeError if it is neither.
    """
    if os.path.isdir(text):
        found: Any = load_photographs(text)
    elif ":" in text:
        found = import_attribute(text)
        found = found() if callable(found) else found
    else:
        raise ValueError(f"{text} is no folder, and not of the form package.module:attribute")
    if not isinstance(found, Batch):
        raise TypeError(f"{text} gives {type(found).__name__}, not a pytest_saliency_sanity.Batch")
    return found
