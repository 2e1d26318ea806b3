"""Names shared by tests, node ids and messages."""

from __future__ import annotations

ROOT = "saliency-sanity"  # the packaged suite, as an argument and in node ids
METHOD, MODEL, BATCH = "saliency_method", "saliency_model", "saliency_batch"  # fixtures that a project overrides
PACKAGED = "pytest_saliency_sanity.suite"  # the keyword of packaged tests, wherever they are collected
EXPECTED_FAILURES = "saliency_expected_failures"
MARKERS = {
    "saliency": "a test of a saliency method",
    "saliency_slow": "a saliency test that takes minutes",
    "saliency_gpu": "a saliency test that needs a GPU",
}
