"""Files of networks, written whole or not at all; a folder that takes none is an error for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...foundation import files
from ...foundation.errors import CheckpointError


@contextmanager
def writing_whole(file: Path) -> Iterator[Path]:
    """Give a temporary file beside ``file`` to write to, then rename it: nobody ever sees half of it.

    Raises CheckpointError if the folder takes no file, as when it is read-only or the disk is full.
    """
    try:
        with files.writing_whole(file) as temporary:
            yield temporary
    except OSError as error:
        raise unwritable(file.parent, error) from error


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; CheckpointError if the folder takes no file."""
    with writing_whole(file) as temporary:
        temporary.write_bytes(content)


def unwritable(folder: Path, error: OSError) -> CheckpointError:
    """Return the error for a folder that can't be written to."""
    return CheckpointError(f"{folder} can't be written to ({error.strerror or error}): free space or choose another")
