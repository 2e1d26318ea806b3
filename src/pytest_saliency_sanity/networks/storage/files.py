"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...foundation.errors import CheckpointError


@contextmanager
def writing_whole(file: Path) -> Iterator[Path]:
    """Give a temporary file beside ``file`` to write to, then rename it: nobody ever sees half of it.

    Raises CheckpointError if the folder takes no file, as when it is read-only or the disk is full.
    """
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        os.close(handle)
    except OSError as error:
        raise unwritable(file.parent, error) from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, file)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise unwritable(file.parent, error) from error
        raise


def write_whole(file: Path, content: bytes) -> None:
    """Write a file whole or not at all; CheckpointError if the folder takes no file."""
    with writing_whole(file) as temporary:
        temporary.write_bytes(content)


def unwritable(folder: Path, error: OSError) -> CheckpointError:
    """Return the error for a folder that can't be written to."""
    return CheckpointError(f"{folder} can't be written to ({error.strerror or error}): free space or choose another")
