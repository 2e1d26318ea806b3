"""Faults at a chosen moment: a signal at a line of the package, a disk that is full, a folder without locks."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest
from safetensors import SafetensorError
from safetensors.torch import save_file

import pytest_saliency_sanity
from pytest_saliency_sanity.networks.storage import record

PACKAGE = os.path.dirname(pytest_saliency_sanity.__file__)


class Lines:
    """Counts the lines of the package that this thread runs, and calls ``then()`` at one of them.

    A moment is thus a number, the same on every machine, however fast.
    """

    def __init__(self, at: int = 0, then: Callable[[], object] = lambda: None) -> None:
        self.at, self.then = at, then
        self.count = 0

    def __enter__(self) -> Lines:
        self.before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        sys.settrace(self.before)

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._ran if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _ran(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.count += 1
            if self.count == self.at:
                self.then()
        return self._ran


def interrupt() -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


def signal_at_line(number: int, how: int) -> None:
    """Send a signal to this process at a line. Ctrl-C is heard, also if a shell started the tests in the background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    Lines(number, lambda: os.kill(os.getpid(), how)).__enter__()


def die_while_saving(how: int) -> None:
    """Send a signal to this process in the middle of the first file of weights that it writes."""

    def half(tensors: Any, file: Path, metadata: Any) -> None:
        file.write_bytes(b"half")
        os.kill(os.getpid(), how)

    pytest.MonkeyPatch().setattr(record, "save_file", half)  # for the rest of the process's life


class FullDisk:
    """A disk that has no room from the n-th request on: a file to make, to fill or to rename, a folder, a mode.

    ``was_full``: whether it came to that. ``for_good``: whether later requests are refused too. ``folder``: what is on
    that disk.
    """

    def __init__(self, patch: pytest.MonkeyPatch, at: int, for_good: bool = True, folder: Path = Path("/")) -> None:
        self.at, self.for_good, self.folder, self.count = at, for_good, folder, 0
        opened, wrote, saved = os.open, Path.write_bytes, save_file

        def opening(path: Any, flags: int, *rest: Any, **how: Any) -> int:
            if flags & os.O_CREAT:
                self.request(path)
            return opened(path, flags, *rest, **how)

        def writing(path: Path, data: bytes) -> int:
            if self.refuses(path):
                wrote(path, data[: len(data) // 2])
                raise no_room()
            return wrote(path, data)

        def saving(tensors: Any, path: Path, metadata: Any) -> None:
            saved(tensors, path, metadata)
            if self.refuses(path):
                os.truncate(path, path.stat().st_size // 2)
                raise SafetensorError(f"Error while serializing: {no_room()}")

        patch.setattr(os, "open", opening)
        patch.setattr(Path, "write_bytes", writing)
        patch.setattr(record, "save_file", saving)
        for owner, name in ((os, "replace"), (os, "mkdir"), (os, "chmod")):
            patch.setattr(owner, name, self._after_a_request(getattr(owner, name)))

    @property
    def was_full(self) -> bool:
        """Whether a request was refused."""
        return self.count >= self.at

    def refuses(self, path: str | Path) -> bool:
        """Count a request; return whether it is refused."""
        if not Path(path).absolute().is_relative_to(self.folder):
            return False
        self.count += 1
        return self.count == self.at or (self.for_good and self.count > self.at)

    def request(self, path: str | Path) -> None:
        """Count a request; OSError if it is refused."""
        if self.refuses(path):
            raise no_room()

    def _after_a_request(self, does: Callable[..., Any]) -> Callable[..., Any]:
        def asked(path: Any, *rest: Any, **how: Any) -> Any:
            if does.__name__ != "mkdir" or not os.path.exists(path):  # there is room for what is there
                self.request(path)
            return does(path, *rest, **how)

        return asked


def no_room() -> OSError:
    """Return the error of a full disk."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def make_read_only(patch: pytest.MonkeyPatch) -> None:
    """Refuse to make, open for writing or delete any file, as a read-only disk does. It binds the superuser too."""
    opened = os.open

    def opening(path: Any, flags: int, *rest: Any, **how: Any) -> int:
        if flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR):
            refuse()
        return opened(path, flags, *rest, **how)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    patch.setattr(os, "open", opening)
    for name in ("unlink", "mkdir", "replace", "chmod"):
        patch.setattr(os, name, refuse)


def refuse_locks(code: int = errno.ENOLCK) -> None:
    """Let no file be locked in this process, as on a network file system without locks."""

    def refused(file: Any, operation: int) -> None:
        raise OSError(code, os.strerror(code))

    fcntl.flock = refused
