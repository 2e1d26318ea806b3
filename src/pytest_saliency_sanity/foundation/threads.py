"""Uses a number of threads within a context, and restores the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch


def one_thread() -> AbstractContextManager[None]:
    """Use one thread within the context; restore the number of threads, also after an exception."""
    return threads(1)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use this many threads within the context; restore the number of threads, also after an exception."""
    before = torch.get_num_threads()
    try:
        if before != count:
            torch.set_num_threads(count)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
