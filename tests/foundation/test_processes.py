"""How a process ended, in words."""

from __future__ import annotations

import pytest

from pytest_saliency_sanity.foundation.processes import ending_of


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (0, "it ended with exit status 0"),
        (134, "it ended with exit status 134"),
        (-11, "it was ended by SIGSEGV"),
        (-9, "it was ended by SIGKILL (the kernel does that if memory runs out)"),
        (-99, "it was ended by signal 99"),
    ],
)
def test_how_a_process_ended_is_told(status: int, told: str) -> None:
    assert ending_of(status) == told
