"""A check."""
