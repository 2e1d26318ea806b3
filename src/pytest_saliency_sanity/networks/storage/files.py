"""Files of networks, written whole or not at all; a folder that takes none is an error for the user."""

from __future__ import annotations

from pathlib import Path

from ...foundation import files
from ...foundation.errors import CheckpointError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all, and its folder if it is missing.

    Raises CheckpointError if the folder takes no file, as when the disk is full.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(file, content)
    except OSError as error:
        raise unwritable(file.parent, error) from error


def unwritable(folder: Path, error: OSError, elsewhere: str = "name another folder") -> CheckpointError:
    """Return the error for a folder that can't be written to. ``elsewhere``: how another one is named."""
    return CheckpointError(f"{folder} can't be written to ({error.strerror or error}): free space or {elsewhere}")
