"""How a check and one of its variants are named together: ``symmetry[rescaling]``. Standard library only."""

from __future__ import annotations


def with_variant(check: str, variant: str) -> str:
    """Return the name of a check with its variant in brackets; the check's own if the variant is empty."""
    return f"{check}[{variant}]" if variant else check


def split_variant(text: str) -> tuple[str, str]:
    """Return the check and the variant, which is empty if there is none, of ``check[variant]``."""
    check, _, variant = text.removesuffix("]").partition("[")
    return check, variant
