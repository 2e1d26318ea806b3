"""Checks: named questions put to a method, each answered by a verdict that rests on statistics."""
