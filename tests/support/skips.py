"""What a test needs of the machine that it runs on."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; this machine has none")


def needs(package: str) -> pytest.MarkDecorator:
    """Return the mark of a test that is skipped where a package is not installed."""
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs {package}")
