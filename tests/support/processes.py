"""What a program prints and imports, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

SHOW = "\nimport sys; print('IMPORTED', *{name.partition('.')[0] for name in sys.modules})\n"


def imported_by(program: str) -> set[str]:
    """Return the packages that a program in a new process has imported at its end."""
    (imported,) = imported_after(program)
    return imported


def imported_after(*steps: str) -> list[set[str]]:
    """Return the packages that a program in a new process has imported after each of its steps."""
    printed = printed_by(SHOW.join([*steps, ""]))
    return [set(line.split()[1:]) for line in printed.splitlines() if line.startswith("IMPORTED")]


def printed_by(program: str) -> str:
    """Return what a program in a new process prints."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
