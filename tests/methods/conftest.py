"""The network and the images that most tests of methods look at; methods as a project has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.images import digits
from support.methods import MODULE, Give
from torch import nn

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.methods.registry import NamedMethod, set_given


@pytest.fixture
def model() -> nn.Module:
    return load_checkpoint("alexnet")


@pytest.fixture
def images() -> torch.Tensor:
    return digits(4)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module ``somemethods``, as a user has one."""
    (tmp_path / "somemethods.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("somemethods", None)


@pytest.fixture
def give() -> Iterator[Give]:
    """Give methods by name, as a project's hook does: ``give(name=value)``."""
    before = set_given([])

    def put(source: str = "conftest.py", /, **methods: Any) -> None:
        set_given([NamedMethod(name, value, source) for name, value in methods.items()])

    yield put
    set_given(before)
