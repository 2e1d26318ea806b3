"""Reproducible random numbers: the same in any order and any process, and the global streams are left as found."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def derived_seed(*parts: object) -> int:
    """Return a seed, 0 to 2^63 - 1, that depends on the ``repr`` of the parts alone."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


@contextmanager
def isolated_streams(seed: int) -> Iterator[None]:
    """Seed the global streams of torch, numpy and Python within the context, then restore them."""
    python, numpy = random.getstate(), np.random.get_state()
    # Listed one by one, since fork_rng warns about several devices. Asking CUDA would initialise it.
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        try:
            # One by one: torch.manual_seed notes who asked, for every device that is not in use yet, in milliseconds.
            torch.default_generator.manual_seed(seed)
            if devices:
                torch.cuda.manual_seed_all(seed)
            np.random.seed(seed % 2**32)
            random.seed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
