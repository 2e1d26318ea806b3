"""Names shared by tests, node ids and messages."""

from __future__ import annotations

ROOT = "saliency-sanity"  # the packaged suite, as an argument and in node ids
METHOD, MODEL = "saliency_method", "saliency_model"  # the fixtures of the method and the model
PACKAGED = "pytest_saliency_sanity.suite"  # the keyword of packaged tests, wherever they are collected
EXPECTED_FAILURES = "saliency_expected_failures"
MARKERS = {
    "saliency": "a test of a saliency method",
    "saliency_slow": "a saliency test that takes minutes",
    "saliency_gpu": "a saliency test that needs a GPU",
}
