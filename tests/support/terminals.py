"""Terminals: what is written to one, and what stands on its screen then."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TextIO

WIDTH = 80
LONGEST = 60.0  # seconds to wait for something that should be there


class Terminal:
    """A terminal of 80 columns. ``stream`` writes to it."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, WIDTH))
        self.stream: TextIO = open(slave, "w", encoding="utf-8")  # noqa: SIM115
        os.set_blocking(self._master, False)
        self._written = b""

    def written(self) -> str:
        """Return all that was written to it until now."""
        with suppress(BlockingIOError, OSError):
            while more := os.read(self._master, 1 << 16):
                self._written += more
        return self._written.decode(errors="ignore")

    def wait_for(self, text: str) -> None:
        """Wait until a text was written."""
        end = monotonic() + LONGEST
        while text not in self.written():
            assert monotonic() < end, self.written()
            sleep(0.01)

    def hang_up(self) -> None:
        """Close the terminal, as if its window were closed."""
        if self._master >= 0:
            os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Close both ends."""
        with suppress(OSError):
            self.stream.close()
        self.hang_up()


def run_in_terminal(command: Sequence[str], folder: Path, when: str = "", then: Callable[[], object] = list) -> str:
    """Run a command in a terminal; return all that it wrote. When it has written ``when``, call ``then()``."""
    terminal = Terminal()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TQDM_"))}
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=terminal.stream,
        stderr=terminal.stream,
        env={**environment, "TERM": "xterm"},
    )
    try:
        if when:
            terminal.wait_for(when)
            then()
        while process.poll() is None:  # what nobody reads would block it
            terminal.written()
            sleep(0.01)
        return terminal.written()
    finally:
        process.kill()
        process.wait()
        terminal.close()


def on_screen(written: str) -> list[str]:
    """Return the lines that a wide terminal shows: it knows CR, LF, cursor up and right, and leaves out colours."""
    rows, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[\d;]*[ACm]|[\r\n]|[^\r\n\x1b]+", written):
        if part == "\r":
            column = 0
        elif part == "\n":  # a terminal is sent CR and LF
            row += 1
            rows += [""] * (row == len(rows))
        elif part.startswith("\x1b"):
            row -= part.endswith("A")
            column += int(part[2:-1]) if part.endswith("C") else 0
        else:
            line = rows[row].ljust(column)
            rows[row] = line[:column] + part + line[column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in rows]
