"""How well the pairs that ``checkpoints twin --masks`` makes of a network tell methods apart.

    python benchmarks/own_pairs.py [--seeds N]

Writes a table into docs/bias.md: for each network, mask and seed a pair is trained on 600 digits, and each method's
maps are weighed over all held-out images. A pair takes less than half a minute.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from documents import DOCS, rewrite
from torch import nn

from pytest_saliency_sanity import BiasScenario, load_batch, resolve_method
from pytest_saliency_sanity.checks.bias_detection.ask import BiasMasses, bias_masses
from pytest_saliency_sanity.data.marks import BALANCED, BIASED, MarkedImages
from pytest_saliency_sanity.networks.presets.registry import open_preset
from pytest_saliency_sanity.networks.training.training import epochs_of
from pytest_saliency_sanity.networks.twins.biased import BiasedPair
from pytest_saliency_sanity.networks.twins.own import OwnNetwork

IMAGES, SIZE = 600, 64
HONEST = ("gradient", "smoothgrad", "gradcam", "captum:InputXGradient", "captum:IntegratedGradients?n_steps=20")
BLIND = ("sobel", "input", "uniform_noise")
BORROWED = "borrowed_signs"  # an edge map with the signs of the gradient, which is 0 where the network is dead


def alexnet() -> nn.Module:
    """Return the shipped AlexNet, as if it were a user's own."""
    return open_preset("embedded").network("alexnet", "cpu")


def vgg11() -> nn.Module:
    """Return the shipped VGG11."""
    return open_preset("embedded").network("vgg11", "cpu")


def resnet() -> nn.Module:
    """Return the shipped residual network, which learned scenes, so that digits alone are new to it."""
    return open_preset("embedded").network("resnet", "cpu")


def border() -> torch.Tensor:
    """Return masks of a border of ten pixels, half of the image."""
    inside = torch.ones(IMAGES, SIZE, SIZE, dtype=torch.bool)
    inside[:, 10:-10, 10:-10] = False
    return inside


def side() -> torch.Tensor:
    """Return masks of the left quarter."""
    inside = torch.zeros(IMAGES, SIZE, SIZE, dtype=torch.bool)
    inside[:, :, : SIZE // 4] = True
    return inside


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=3)
    given = options.parse_args()
    rewrite(DOCS / "bias.md", "own pairs", rows_of(given.seeds))


def rows_of(seeds: int) -> Iterator[str]:
    """Yield the lines of the table."""
    methods = " | ".join(f"`{name}`" for name in (*HONEST, BORROWED))
    yield f"| network | mask | seed | epochs | told | {methods} | blind |"
    yield "|---" * (7 + len(HONEST)) + "|"
    for network in ("alexnet", "vgg11", "resnet"):
        for mask in (border, side):
            for seed in range(seeds):
                line = row_of(network, mask(), seed)
                row = f"| {network} | {mask.__name__} | {seed} | {line} |"
                print(row, flush=True)
                yield row


def row_of(network: str, masks: torch.Tensor, seed: int) -> str:
    """Return epochs, what was told at the end, and the drops of a pair, in cells."""
    pair = BiasedPair(OwnNetwork(f"own_pairs:{network}"), MarkedImages(load_batch("mnist", n=IMAGES), masks), seed)
    trained: dict[str, Any] = {}
    for kind in (BIASED, BALANCED):
        trained[kind] = pair.training(kind, torch.device("cpu"))
        for _ in epochs_of(trained[kind]):
            pass
    scenario = BiasScenario(trained[BIASED].kept(), trained[BALANCED].kept(), *pair.marked.against_their_class())
    drops = {
        name: bias_masses(resolve_method(name), scenario, 0.0, name=name, seed=seed)
        for name in (*HONEST, BORROWED, *BLIND)
    }
    epochs = ", ".join(str(len(each.history)) for each in trained.values())
    told = ", ".join(f"{each.history[-1].accuracy:.2f}" for each in trained.values())
    blind = max(abs(bound) for name in BLIND for bound in drops[name].interval)
    return " | ".join([epochs, told, *(drop(drops[name]) for name in (*HONEST, BORROWED)), f"{blind:.3f}"])


def drop(masses: BiasMasses) -> str:
    """Return the mean drop with its interval over images, and how many images have no map."""
    mean, low, high = masses.interval
    undefined = f", {masses.drop.undefined} undefined" if masses.drop.undefined else ""
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]{undefined}"


if __name__ == "__main__":
    main()
