"""What a test needs of the machine that it runs on."""

from __future__ import annotations

from importlib.util import find_spec
from shutil import which

import pytest
import torch

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device; this machine has none")


def needs_program(name: str) -> pytest.MarkDecorator:
    """Return the mark of a test that is skipped where a program is not installed."""
    return pytest.mark.skipif(which(name) is None, reason=f"needs {name}")


def needs(package: str) -> pytest.MarkDecorator:
    """Return the mark of a test that is skipped where a package is not installed."""
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs {package}")
