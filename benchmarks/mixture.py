"""Mix an edge detector into Grad-CAM, more and more of it, and see where the verdicts flip.

    python benchmarks/mixture.py

Prints the table of docs/checks.md. Both maps are scaled to a maximum of 1, image by image; Grad-CAM is enlarged
to the image's size.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import CheckResult, check_method, gradcam
from pytest_saliency_sanity.checks.registry import IMAGES
from pytest_saliency_sanity.methods.controls import sobel
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


def mixture(share: float) -> SaliencyMethod:
    """Return the method (1 - share) x Grad-CAM + share x edge detector."""

    def mixed(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        cam = gradcam(model, images, targets)[:, None]
        enlarged = F.interpolate(cam, images.shape[2:], mode="bilinear")[:, 0]
        return (1 - share) * to_one(enlarged) + share * to_one(sobel(model, images, targets))

    return mixed


def to_one(maps: torch.Tensor) -> torch.Tensor:
    return maps / maps.flatten(1).amax(1).clamp(min=1e-12)[:, None, None]


CHECKS = ("label_randomization", "cascading_randomization[top_down]", "bias_detection", "null_region")


def main() -> None:
    print("| a | network | top_down: classifier, last stage | labels | drop of mass on the nuisance | mass outside |")
    print("|---|---|---|---|---|---|")
    for network in ("alexnet", "vgg11"):
        for share in SHARES:
            labels, top_down, bias, outside = check_method(
                mixture(share), models=[network], checks=CHECKS, images=IMAGES, explain=False
            )
            cells = " | ".join(map(cell, (top_down, labels, bias, outside)))
            print(f"| {share:g} | {network} | {cells} |", flush=True)


def cell(result: CheckResult) -> str:
    means = ", ".join(f"{stage.interval.mean:.3f}" for stage in result.stages)
    return f"{means} {result.verdict}"


if __name__ == "__main__":
    main()
