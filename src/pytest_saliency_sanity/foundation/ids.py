"""The name of a check together with one of its variants: ``symmetry[rescaling]``. Standard library only."""

from __future__ import annotations


def with_variant(check: str, variant: str) -> str:
    """Return the name of a check with its variant in brackets, or the bare name if the variant is empty."""
    return f"{check}[{variant}]" if variant else check


def split_variant(text: str) -> tuple[str, str]:
    """Split ``check[variant]`` into check and variant; the variant is empty if there are no brackets."""
    check, _, variant = text.removesuffix("]").partition("[")
    return check, variant
