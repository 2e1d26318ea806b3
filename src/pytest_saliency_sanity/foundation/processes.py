"""Says in words how a process ended."""

from __future__ import annotations

import signal


def ending_of(status: int) -> str:
    """Return how a process ended, from the return code of ``subprocess``: negative for a signal."""
    if status >= 0:
        return f"it ended with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = " (the kernel does that if memory runs out)" if name == "SIGKILL" else ""
    return f"it was ended by {name}{hint}"
