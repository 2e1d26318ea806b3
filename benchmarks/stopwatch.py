"""Measures calls: time in turns, peak memory, and how often a network is run."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

EVERY = 0.002  # seconds between two looks at the memory


class Times(NamedTuple):
    """The seconds of each run of a call."""

    runs: tuple[float, ...]

    def __str__(self) -> str:
        return spread(self.runs)

    def over(self, other: Times) -> str:
        """Return how many times as long this took as the other, run by run."""
        return spread([mine / others for mine, others in zip(self.runs, other.runs, strict=True)])

    @property
    def median(self) -> float:
        """The seconds that half of the runs exceed."""
        return median(self.runs)


class Passes(NamedTuple):
    """How often a network ran: its calls; and rows through it, and through its convolutions on average, in batches."""

    calls: int
    rows: float
    convolutions: float

    def __str__(self) -> str:
        return f"{self.convolutions:.2f} ({self.calls}; {self.rows:.2f})"


class Observed(NamedTuple):
    """The peak of memory during a call, in MB above the start, and how often the network ran."""

    megabytes: float
    passes: Passes


def spread(values: Sequence[float]) -> str:
    """Return the median of values and their range."""
    shown = f"{median(values):.3g}"
    return shown if len(values) == 1 else f"{shown} ({min(values):.3g} to {max(values):.3g})"


def in_turns(calls: Mapping[str, Callable[[], object]], runs: int, device: torch.device) -> dict[str, Times]:
    """Time calls in turns, another one first in each run, so that what else the machine does meets all of them."""
    names = list(calls)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for run in range(runs):
        first = run % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            taken[name].append(seconds_of(calls[name], device))
    return {name: Times(tuple(seconds)) for name, seconds in taken.items()}


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that a call takes, on a GPU by its own clock."""
    if device.type == "cuda":
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize(device)
        start.record()
        call()
        end.record()
        torch.cuda.synchronize(device)
        return float(start.elapsed_time(end)) / 1000
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Use this many threads within the context, in PyTorch and in the libraries under numpy and scipy."""
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(count):
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def observed(call: Callable[[], object], model: nn.Module, batch: int, device: torch.device) -> Observed:
    """Run a call once, untimed. ``model``: the network that it runs copies of; ``batch``: how many rows are a pass."""
    rows: list[int] = []

    def count(module: nn.Module, given: Any) -> None:
        if type(module) is type(model):
            rows.append(len(given[0]))

    convolutions = sum(isinstance(module, nn.Conv2d) for module in model.modules())
    handle = register_module_forward_pre_hook(count)
    try:
        with ConvolutionRows() as counted:
            megabytes = peak_megabytes(call, device)
    finally:
        handle.remove()
    return Observed(megabytes, Passes(len(rows), sum(rows) / batch, counted.rows / convolutions / batch))


class ConvolutionRows(TorchDispatchMode):
    """Counts the rows of all forward convolutions, whatever runs them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count the rows of a convolution, and run the function."""
        if func is torch.ops.aten.convolution.default:
            self.rows += len(args[0])
        return func(*args, **(kwargs or {}))


def peak_megabytes(call: Callable[[], object], device: torch.device) -> float:
    """Return the most memory that is in use during a call, above what was in use before, in MB."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        megabytes: float = (torch.cuda.max_memory_allocated(device) - before) / 1e6
        return megabytes

    from psutil import Process

    give_back_freed_memory()
    process, done = Process(), threading.Event()
    resident: list[int] = [process.memory_info().rss]

    def look() -> None:
        while not done.wait(EVERY):
            resident.append(process.memory_info().rss)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return (max(resident) - resident[0]) / 1e6


def give_back_freed_memory() -> None:
    """Let the C library give freed memory back to the system, where it can, so that the next call starts without it."""
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):  # glibc has it, others may not
        ctypes.CDLL(None).malloc_trim(0)
