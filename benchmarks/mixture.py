"""Mix an edge detector into Grad-CAM, more and more of it, and see where the verdicts flip.

    python benchmarks/mixture.py

Prints the table of docs/known-answers.md. Both maps are scaled to a maximum of 1, image by image; Grad-CAM is enlarged
to the image's size.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import check_method, gradcam
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


def main() -> None:
    print("| a | network | top_down, after the classifier | top_down, last stage | verdict | labels | verdict |")
    print("|---|---|---|---|---|---|---|")
    for network in ("alexnet", "vgg11"):
        for share in SHARES:
            labels, top_down, *_ = check_method(
                mixture(share), models=[network], checks=["label_randomization", "cascading_randomization"]
            )
            means = [f"{stage.interval.mean:.3f}" for stage in top_down.stages]
            print(
                f"| {share:g} | {network} | {' | '.join(means)} | {top_down.verdict} "
                f"| {labels.statistic:.3f} | {labels.verdict} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
