"""Devices: what a name means on this machine."""

from __future__ import annotations

import pytest
import torch

from pytest_saliency_sanity.foundation.devices import resolve_device


def test_auto_is_cuda_where_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_cuda_device_that_does_not_exist_is_an_error_that_counts_them() -> None:
    with pytest.raises(ValueError, match=r"no device 'cuda:99': this machine has (no|\d+) CUDA device"):
        resolve_device("cuda:99")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has Metal")
def test_mps_without_metal_is_an_error() -> None:
    with pytest.raises(ValueError, match="no Metal"):
        resolve_device("mps")
