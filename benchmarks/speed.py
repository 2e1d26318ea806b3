"""Time our parts against peers in the same run: ``python benchmarks/speed.py``. Prints a markdown table of ratios."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from captum.attr import LayerGradCam, NoiseTunnel, Saliency
from scipy.stats import spearmanr

from pytest_saliency_sanity import gradcam, load_batch, load_checkpoint, smoothgrad, spearman

RUNS = 5


def main() -> None:
    batch = load_batch("mnist", 100)
    images, targets = batch.images, batch.targets
    assert targets is not None
    print("| what, 100 digits of 64 x 64 | peer | ours, s | peer, s | peer / ours |")
    print("|---|---|---|---|---|")
    for network in ("alexnet", "vgg11"):
        model = load_checkpoint(network)
        last = "features.10" if network == "alexnet" else "features.18"
        cam = LayerGradCam(model, model.get_submodule(last))
        noisy = NoiseTunnel(Saliency(model))
        compare(
            f"Grad-CAM, {network}",
            "captum LayerGradCam",
            lambda: gradcam(model, images, targets, layer=last),  # noqa: B023
            lambda: cam.attribute(images, target=targets),  # noqa: B023
        )
        compare(
            f"SmoothGrad n = 20, {network}",
            "captum NoiseTunnel(Saliency)",
            lambda: smoothgrad(model, images, targets),  # noqa: B023
            lambda: noisy.attribute(  # noqa: B023
                images.requires_grad_(), target=targets, nt_samples=20, stdevs=0.2, abs=False
            ),
        )
        images.requires_grad_(False)
    maps_a, maps_b = torch.rand(2, 100, 64, 64).unbind()
    rows = list(zip(maps_a.flatten(1).numpy(), maps_b.flatten(1).numpy(), strict=True))
    compare("rank correlation", "scipy.stats.spearmanr", lambda: spearman(maps_a, maps_b), lambda: scipy_loop(rows))


def scipy_loop(rows: list[tuple[object, object]]) -> None:
    for a, b in rows:
        spearmanr(a, b)


def compare(what: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    """Time both in turns, so that whatever else the machine does meets both; print the least of each."""
    times = [(timed(ours), timed(theirs)) for _ in range(RUNS)]
    least, peers = min(each[0] for each in times), min(each[1] for each in times)
    print(f"| {what} | {peer} | {least:.3f} | {peers:.3f} | {peers / least:.2f} |")


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
