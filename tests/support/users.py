"""Another user than the superuser, whom permissions bind."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

# May read what the tests need, wherever it is, and write only what is everybody's.
SETPRIV = (
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)


def as_another_user() -> tuple[str, ...]:
    """Return what comes before a command that a user other than the superuser is to run; skip if that can't be."""
    if os.geteuid() != 0:
        return ()
    if not shutil.which("setpriv") or subprocess.run([*SETPRIV, "true"], capture_output=True).returncode:
        pytest.skip("the superuser runs the tests, and can't run a command as somebody else here")
    return SETPRIV
