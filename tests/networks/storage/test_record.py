"""A record: tensors and facts in one file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage.record import read_record, write_record


def test_a_record_keeps_every_type_shape_and_fact(tmp_path: Path) -> None:
    tensors = {
        "half": torch.randn(2, 3).half(),
        "scalar": torch.tensor(4.0),
        "none": torch.zeros(0, 5),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "turned": torch.arange(6).reshape(2, 3).T,
    }
    write_record(tmp_path / "record", tensors, {"ä": [1, None, 0.1]})
    read, facts = read_record(tmp_path / "record")
    assert facts == {"ä": [1, None, 0.1]}
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in tensors.items())


def test_a_missing_record_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing is missing"):
        read_record(tmp_path / "nothing")
