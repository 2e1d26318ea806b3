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


@pytest.mark.parametrize(
    ("name", "turn", "device"),
    [
        ("auto", 0, "cuda"),
        ("auto", 1, "cuda:1"),
        ("auto", 3, "cuda:0"),
        ("cuda", 5, "cuda:2"),
        ("cuda:1", 5, "cuda:1"),
        ("cpu", 5, "cpu"),
    ],
)
def test_processes_that_work_at_the_same_time_get_the_gpus_in_turn(
    monkeypatch: pytest.MonkeyPatch, name: str, turn: int, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert resolve_device(name, turn) == torch.device(device)


@pytest.mark.parametrize("turn", [0, 1, 7])
def test_without_a_gpu_the_turn_does_not_matter(turn: int) -> None:
    if not torch.cuda.is_available():
        assert resolve_device("auto", turn) == torch.device("cpu")
