"""How much memory a measurement may take, and how many images go through a model at a time.

The budget is a quarter of what is free, or what the user says (``--saliency-memory``). It is divided between the
passes through the model, what its layers return, which stages share, and the maps that others are compared with.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import psutil
import torch

SHARE = 1 / 4  # of what is free
PASSES, KEPT, MAPS = 1 / 4, 1 / 2, 1 / 4  # of the budget
# More than this does not make passes faster: beyond, activations leave the cache (docs/performance.md).
MOST_FOR_PASSES, MOST_KEPT = 300 * 2**20, 512 * 2**20
CGROUP = Path("/sys/fs/cgroup")
# What torch's allocators say in a RuntimeError: on the CPU under Windows, under other systems, and on Apple's GPUs.
RAN_OUT = ("not enough memory", "can't allocate memory", "out of memory")

_given: ContextVar[int | None] = ContextVar("memory that the user allows, in bytes", default=None)


@contextmanager
def memory(budget: int | None) -> Iterator[None]:
    """Allow so many bytes within the context; None: a quarter of what is free."""
    token = _given.set(budget)
    try:
        yield
    finally:
        _given.reset(token)


def budget(device: torch.device) -> int:
    """Return how many bytes a measurement may take on a device."""
    given = _given.get()
    return int(SHARE * free(device)) if given is None else given


def room_for_passes(device: torch.device) -> int:
    """Return how many bytes the activations and gradients of a pass may take."""
    most = budget(device) if device.type == "cuda" else MOST_FOR_PASSES
    return min(int(PASSES * budget(device)), most)


def room_to_keep(device: torch.device) -> int:
    """Return how many bytes of activations may be kept, to be shared between stages."""
    return min(int(KEPT * budget(device)), MOST_KEPT)


def room_for_maps(device: torch.device) -> int:
    """Return how many bytes the maps of a model as it is may take, which all checks compare others with."""
    return int(MAPS * budget(device))


def free(device: torch.device) -> int:
    """Return how many bytes are free on a device: of a container, what is left of its limit."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(int(psutil.virtual_memory().available), _left_in_container())


def give_back() -> None:
    """Give memory that was freed back to the system.

    glibc keeps it, in pieces of which ever fewer fit: in an hour of questions, a process grew from 1.2 to 2.6 GB and
    held no more than before.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error, or what caused it, says that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, RuntimeError) and any(each in str(error) for each in RAN_OUT):
        return True
    return error.__cause__ is not None and is_out_of_memory(error.__cause__)


def _left_in_container(folder: Path = CGROUP) -> int:
    """Return what is left of a control group's limit (cgroup v2); practically infinite if there is none."""
    try:
        most, used = ((folder / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, int(most) - int(used))
    except (OSError, ValueError):  # there is no such file, or the limit is "max"
        return 2**63
