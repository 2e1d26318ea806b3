"""Measure what an explanation costs, how that grows, and what two workers gain.

    python benchmarks/scale.py [--runs 3] [--only TABLE] [--write]

The first tables vary one thing at a time in a cascade of gradients on an untrained AlexNet: images, stages, pixels, and
parameters. The last one runs the packaged suite in one worker of pytest-xdist and in two. With ``--write``, they go to
``docs/scale.md``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from tempfile import TemporaryDirectory

import psutil
import torch
from documents import DOCS, rewrite
from machine import described
from stopwatch import Times, in_turns, spread, threads

from pytest_saliency_sanity import Batch, CascadingRandomizer, build_model, src_profile
from pytest_saliency_sanity.foundation.reading import SIGNS
from pytest_saliency_sanity.measuring.similarities import SRC
from pytest_saliency_sanity.measuring.view import View, compared
from pytest_saliency_sanity.methods.gradient import gradient

CPU = torch.device("cpu")
METHODS = ("gradcam", "gradient", "guided_backprop", "captum:DeepLift", "input", "sobel")
SUITE = ("saliency-sanity", *(f"--saliency-method={method}" for method in METHODS), "-q", "-p", "no:cacheprovider")
EVERY = 0.05  # seconds between two looks at the memory of workers


@dataclass(frozen=True)
class Size:
    """What is varied. ``width``: of the network's layers, relative to the paper's."""

    images: int = 20
    stages: int = 4
    pixels: int = 64
    width: float = 0.25

    def call(self) -> Callable[[], object]:
        """Return a cascade of this size."""
        model = build_model("alexnet", width=self.width).eval()
        images = torch.randn(self.images, 3, self.pixels, self.pixels, generator=torch.Generator().manual_seed(0))
        cascade = CascadingRandomizer(model, images=images)
        stages = cascade.names()[: self.stages]
        # A method that is not marked as one of plain passes runs the whole network at every stage, as most do.
        method = partial(_unshared, gradient)
        return partial(src_profile, method, model, randomization=cascade, batch=Batch(images), at=stages, seeds=1)

    @property
    def explanations(self) -> int:
        """Maps of the trained network and of each stage."""
        return self.images * (1 + self.stages)

    @property
    def parameters(self) -> int:
        """The number of weights, in thousands."""
        return round(sum(each.numel() for each in build_model("alexnet", width=self.width).parameters()) / 1000)


def _unshared(method: Callable[..., torch.Tensor], *given: object) -> torch.Tensor:
    return method(*given)


USUAL = Size()
VARIED: Mapping[str, tuple[Size, ...]] = {
    "images": tuple(replace(USUAL, images=each) for each in (10, 20, 40, 80, 160)),
    "stages": tuple(replace(USUAL, stages=each) for each in (1, 2, 4, 8)),
    "pixels": tuple(replace(USUAL, pixels=each) for each in (64, 96, 128, 224)),
    "width": tuple(replace(USUAL, width=each) for each in (0.125, 0.25, 0.5, 1.0)),
}


def growth(runs: int) -> Iterator[str]:
    """Yield a table: how the time of a cascade grows with each size, one thread."""
    yield "| varied | images | stages | pixels | parameters, thousands | cascade, s | an explanation, ms |"
    yield "|---|---|---|---|---|---|---|"
    with threads(1):
        for what, sizes in VARIED.items():
            taken = in_turns({str(size): size.call() for size in sizes}, runs, CPU)
            for size in sizes:
                times = taken[str(size)]
                each = Times(tuple(1000 * run / size.explanations for run in times.runs))
                shape = f"{size.images} | {size.stages} | {size.pixels} x {size.pixels} | {size.parameters:,}"
                yield f"| {what} | {shape} | {times} | {each} |"


def comparing(runs: int) -> Iterator[str]:
    """Yield a table: what it takes to make a map comparable, with its signs and by magnitude, and to compare it."""
    yield "| pixels | a map made comparable and compared, ms |"
    yield "|---|---|"
    for pixels in (64, 128, 224, 448):
        yield f"| {pixels} x {pixels} | {compared_in(pixels, runs)} |"


def compared_in(pixels: int, runs: int) -> Times:
    """Return the milliseconds that a map takes to be made comparable and compared, in one thread."""
    maps = torch.randn(20, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    before = View(maps.flip(0), seen=True, compared_by=SRC)
    for sign in SIGNS:
        before.by(sign)
    with threads(1):
        taken = in_turns({"compared": partial(_compared, before, maps)}, runs, CPU)["compared"]
    return Times(tuple(1000 * run / len(maps) for run in taken.runs))


def _compared(before: View, maps: torch.Tensor) -> None:
    after = View(maps, seen=True, compared_by=SRC)
    for sign in SIGNS:
        compared(before, after, sign)


# ImageNet's validation images and ten methods on ResNet-50, whose cascade has 107 stages, on eight GPUs.
IMAGES, STAGES, GPUS, CORES = 50_000, 107, 8, 64
# Forward and backward passes that a map takes: five of one pass, among them Grad-CAM, and five that sample 50 times.
PASSES = 5 * 1 + 5 * 50
# Assumed, not measured: a forward and a backward pass of ResNet-50 at 224 x 224 is some 25 GFLOP: 25 TFLOP/s.
PASSES_A_SECOND = 1000


def imagenet(runs: int) -> Iterator[str]:
    """Yield a table: the hours that all of ImageNet's validation images take, and those that a verdict needs."""
    milliseconds = compared_in(224, runs).median
    yield f"A map takes {milliseconds:.3g} ms to be made comparable and compared."
    yield ""
    yield "| images | draws | stages | maps of a method | passes of ten methods | GPUs, hours | cores, hours |"
    yield "|---|---|---|---|---|---|---|"
    # The most that a verdict takes; what it is judged by; every stage, as published; every stage, to judge it.
    for images, draws, stages in ((160, 32, 2), (IMAGES, 8, 2), (IMAGES, 1, STAGES), (IMAGES, 8, STAGES)):
        maps = images * (1 + draws * stages)
        passes = maps * PASSES
        hours = passes / PASSES_A_SECOND / GPUS / 3600, 10 * maps * milliseconds / 1000 / CORES / 3600
        shape = f"{images:,} | {draws} | {stages}"
        yield f"| {shape} | {maps:,} | {passes / 1e6:,.1f} million | {hours[0]:.3g} | {hours[1]:.2g} |"


@dataclass(frozen=True)
class Suite:
    """A run of the packaged suite: its seconds, and the most memory of each of its workers, in MB."""

    seconds: float
    workers: tuple[float, ...]


def run_suite(workers: int) -> Suite:
    """Run the suite in so many workers, without the user saying how many threads there are to be."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = (sys.executable, "-m", "pytest", *SUITE, f"-n{workers}", "--dist=loadscope")
    with TemporaryDirectory() as folder:
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        most: dict[int, float] = {}
        watch = threading.Thread(target=_watch, args=(process, most))
        watch.start()
        shown, _ = process.communicate()
        seconds = time.perf_counter() - begin
        watch.join()
    if process.returncode != 1 or "planned" not in shown:  # some of them fail
        raise SystemExit(f"{' '.join(command)}\n{shown}")
    return Suite(seconds, tuple(sorted(most.values())[-workers:]))


def _watch(process: subprocess.Popen[str], most: dict[int, float]) -> None:
    while process.poll() is None:
        try:
            for child in psutil.Process(process.pid).children(recursive=True):
                most[child.pid] = max(most.get(child.pid, 0.0), child.memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            pass
        time.sleep(EVERY)


def speed_up(runs: int) -> Iterator[str]:
    """Yield a table of the suite in one worker and in two, in turns."""
    found: dict[int, list[Suite]] = {1: [], 2: []}
    for number in range(runs):
        for workers in (1, 2) if number % 2 else (2, 1):
            found[workers].append(run_suite(workers))
    ratios = [one.seconds / two.seconds for one, two in zip(found[1], found[2], strict=True)]
    yield "| workers | seconds | most memory of a worker, GB | times as fast as one |"
    yield "|---|---|---|---|"
    for workers, suites in found.items():
        memory = spread([each / 1000 for suite in suites for each in suite.workers])
        faster = "1" if workers == 1 else spread(ratios)
        yield f"| {workers} | {spread([suite.seconds for suite in suites])} | {memory} | {faster} |"


def main() -> None:
    """Measure, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", action="append", metavar="TABLE", help="growth, comparing, imagenet or workers")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    where = f"{described()} Times are medians (lowest to highest); runs: {options.runs}."
    tables = {"growth": growth, "comparing": comparing, "imagenet": imagenet, "workers": speed_up}
    for name, measure in tables.items():
        if name not in (options.only or tables):
            continue
        lines = [where, "", *measure(options.runs)]
        if options.write:
            rewrite(DOCS / "scale.md", name, lines)
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
