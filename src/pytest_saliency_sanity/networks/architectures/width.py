"""Narrower copies of a network: the same layers, fewer channels."""

from __future__ import annotations


def scaled(width: float, *sizes: int) -> list[int]:
    """Return the layer sizes multiplied by ``width``, rounded, at least 1."""
    return [max(1, round(size * width)) for size in sizes]
