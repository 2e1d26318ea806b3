"""Locks in a cache folder: who trains a network holds one, and the death of a process sets it free."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def held(lock: Path, on_wait: Callable[[], object], on_none: Callable[[str], object]) -> Iterator[Path | None]:
    """Hold a lock, and give it. ``on_wait()`` is called once if another process holds it.

    Where files can't be locked none is held, and ``on_none`` is called with the reason: whoever writes does so whole or
    not at all, so two who train the same network waste time and do no harm.

    Raises OSError if the folder can't be written to.
    """
    if reason := refusal(lock.parent):
        on_none(reason)
        yield None
        return
    of_file = FileLock(lock)
    try:
        of_file.acquire(timeout=0)
    except Timeout:
        on_wait()
        of_file.acquire()
    try:
        yield lock
    finally:
        of_file.release()


@contextmanager
def held_if_free(lock: Path) -> Iterator[str]:
    """Hold a lock if it is free; give the reason why it can't be held, or an empty text.

    Raises OSError if the folder can't be written to.
    """
    if reason := refusal(lock.parent):
        yield f"files there can't be locked ({reason}), so nobody knows whether it is being written"
        return
    of_file = FileLock(lock)
    try:
        of_file.acquire(timeout=0)
    except Timeout:
        yield "it is being trained"
        return
    try:
        yield ""
    finally:
        of_file.release()


def refusal(folder: Path) -> str:
    """Return why files in a folder can't be locked, as on some network file systems; empty if they can.

    It is tried, on a file that nobody else knows: some versions of filelock take every refusal for somebody else's
    lock, and would wait for ever. Raises OSError if the folder can't be written to.
    """
    if sys.platform == "win32":
        return ""
    import fcntl

    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.strerror or str(error)
    return ""
