"""The allowed ranges of the numbers that users give. Standard library only."""

from __future__ import annotations

import re

from .errors import quoted

# With fewer images, the width of an interval is mostly that of Student's t, not of the method's scatter.
LEAST_IMAGES = 10
LEAST_MEMORY = 2**26


def require_enough_images(count: int) -> None:
    """Raise ValueError if a batch has too few images for a confidence interval."""
    if count < LEAST_IMAGES:
        raise ValueError(f"a confidence interval needs at least {LEAST_IMAGES} images; the batch has {count}")


def require_threshold(threshold: object, name: str = "threshold") -> None:
    """Raise TypeError or ValueError unless the threshold of an SRC is a number above 0 and at most 1."""
    if not is_number(threshold):
        raise TypeError(f"{name} must be a number above 0 and at most 1, not {quoted(threshold)}")
    if not 0 < threshold <= 1:  # type: ignore[operator]
        raise ValueError(f"{name} must be above 0 and at most 1, not {quoted(threshold)}")


def require_share(threshold: object) -> None:
    """Raise TypeError or ValueError unless the threshold of a share of a map is a number above 0 and below 1."""
    if not is_number(threshold):
        raise TypeError(f"threshold must be a number above 0 and below 1, not {quoted(threshold)}")
    if not 0 < threshold < 1:  # type: ignore[operator]
        raise ValueError(f"threshold is a share of a map: it must be above 0 and below 1, not {quoted(threshold)}")


def require_confidence(confidence: object) -> None:
    """Raise TypeError or ValueError unless a confidence is a number between 0 and 1."""
    if not is_number(confidence):
        raise TypeError(f"confidence must be a number between 0 and 1, not {quoted(confidence)}")
    if not 0 < confidence < 1:  # type: ignore[operator]
        raise ValueError(f"confidence must be between 0 and 1, not {quoted(confidence)}")


def is_number(value: object) -> bool:
    """Return whether a value is a real number; bools do not count."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse_size(text: str) -> int:
    """Return the bytes that a text such as ``500M`` or ``2G`` means. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,20}(?:\.\d{1,20})?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    size = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    if size < LEAST_MEMORY:
        raise ValueError(
            f"{quoted(text)} is not an amount of memory of at least {LEAST_MEMORY // 2**20}M: give one like 500M or 2G"
        )
    return size
