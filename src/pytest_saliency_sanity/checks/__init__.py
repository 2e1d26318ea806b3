"""Checks: named questions put to a saliency method, each answered by a statistical verdict."""
