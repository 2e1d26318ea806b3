"""Files that are written whole or not at all. Standard library only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def writing_whole(file: Path) -> Iterator[Path]:
    """Give a temporary file beside ``file`` to write to, then rename it: nobody ever sees half of it.

    Raises OSError if the folder takes no file, as when it is read-only or the disk is full.
    """
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_whole(file: Path, content: bytes | str) -> None:
    """Write a file, text in UTF-8, whole or not at all. Raises OSError if the folder takes no file."""
    with writing_whole(file) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
