"""Random numbers that are the same alone, in any order and in any process, and leave the global streams as found."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived_seed(*parts: object) -> int:
    """Return a seed, 0 to 2^63 - 1, that depends on nothing but the parts' text."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


@contextmanager
def isolated_streams(seed: int) -> Iterator[None]:
    """Seed the global streams of torch, numpy and Python for what is called inside, then put them back."""
    python, numpy = random.getstate(), np.random.get_state()
    # Named one by one: fork_rng warns of several devices, and looking at CUDA would initialise it.
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
