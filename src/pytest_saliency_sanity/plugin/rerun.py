"""The command that runs just one failed test again. Standard library only."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

_options: list[str] = []


def set_options(options: Sequence[str]) -> None:
    """Remember the options of the running pytest that change what its saliency tests measure."""
    _options[:] = options


def command() -> str | None:
    """Return the command that runs the current test again, or None outside of pytest."""
    # Set by pytest itself for the test that is running, as "node id (phase)".
    node_id, _, _ = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")
    return shlex.join(["pytest", node_id, *_options]) if node_id else None
