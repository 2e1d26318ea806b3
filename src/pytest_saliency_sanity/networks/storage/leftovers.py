"""What killed processes left in a cache folder, and what else can be deleted there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...foundation.errors import CheckpointError
from ...foundation.files import temporary_files
from .locking import held_if_free

ENDING, UNFINISHED, LOCK = ".safetensors", ".training.safetensors", ".lock"


def networks_in(folder: Path) -> list[Path]:
    """Return the files of networks, finished and unfinished, of this version and others.

    Raises CheckpointError if the folder can't be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(f"{folder} can't be read ({error.strerror})") from error
    return [folder / name for name in sorted(names) if name.endswith(ENDING) and not name.startswith(".")]


def left_over(folder: Path) -> list[Path]:
    """Return what nobody needs unless a process writes it now: temporary files, and saves of finished trainings."""
    saves = sorted(folder.glob(f"*{UNFINISHED}"))
    return temporary_files(folder, f"*{ENDING}") + [save for save in saves if os.path.exists(_finished(save))]


def sweep(folder: Path, held: Path | None = None) -> None:
    """Delete what is left over and no living process writes, as its lock tells. A folder that is read-only stays so.

    ``held``: a lock that the caller holds.
    """
    for file in left_over(folder):
        with suppress(OSError):
            delete(file, held)


def delete(file: Path, held: Path | None = None) -> str:
    """Delete a file that no living process writes; return why it is kept, or an empty text.

    ``held``: a lock that the caller holds. Raises OSError if the folder can't be written to.
    """
    half = file.name.startswith(".")
    unfinished = file.name.endswith(UNFINISHED) and not os.path.exists(_finished(file))
    if (half or unfinished) and lock_of(file) != held:
        with held_if_free(lock_of(file)) as kept:
            if not kept:
                file.unlink(missing_ok=True)
            return kept
    file.unlink(missing_ok=True)  # nobody writes to it: it came there by a rename
    return ""


def clear(folder: Path) -> Iterator[tuple[Path, str]]:
    """Delete every network in a folder and what is left over there, of all versions.

    Yield each file and why it is still there; an empty text if it is gone. Raises CheckpointError if the folder can't
    be read.
    """
    for file in sorted({*networks_in(folder), *left_over(folder)}):
        try:
            kept = delete(file)
        except OSError as error:
            kept = f"it can't be deleted ({error.strerror or error})"
        yield file, kept


def lock_of(file: Path) -> Path:
    """Return the lock that is held while a file is written: ``alexnet-true-0123456789.lock``."""
    return file.with_name(file.name.removeprefix(".").partition(".")[0] + LOCK)


def _finished(save: Path) -> Path:
    return save.with_name(save.name.removesuffix(UNFINISHED) + ENDING)
