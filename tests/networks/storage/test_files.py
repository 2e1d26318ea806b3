"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage.files import write_whole


@pytest.mark.parametrize(
    ("error", "seen"), [(OSError("disk full"), CheckpointError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException]
) -> None:
    file = tmp_path / "weights"
    write_whole(file, b"old")

    def interrupted(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(seen):
        write_whole(file, b"new, and longer")
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["weights"]
