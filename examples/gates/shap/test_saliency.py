"""The sanity checks of the methods that conftest.py names."""

from pytest_saliency_sanity.suite import *  # noqa: F403
