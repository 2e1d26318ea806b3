"""VGG11 as the paper lists it (appendix B.4): torchvision's configuration "A" with ten classes."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

from .width import scaled


class VGG11(nn.Module):
    """Appendix B.4 at ``width=1``; ``width`` scales every hidden layer. Images ``(N, 3, H, W)``, H and W >= 32."""

    def __init__(self, width: float = 1.0, num_classes: int = 10) -> None:
        super().__init__()
        c1, c2, c3, c4 = scaled(width, 64, 128, 256, 512)
        (hidden,) = scaled(width, 4096)
        self.features: nn.Sequential = nn.Sequential(
            *convolutions(3, c1),
            *convolutions(c1, c2),
            *convolutions(c2, c3, c3),
            *convolutions(c3, c4, c4),
            *convolutions(c4, c4, c4),
        )
        self.avgpool: nn.AdaptiveAvgPool2d = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier: nn.Sequential = nn.Sequential(
            nn.Linear(c4 * 7 * 7, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden, hidden),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(N, num_classes)`` of images ``(N, 3, H, W)``."""
        logits: torch.Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits


def convolutions(*channels: int) -> list[nn.Module]:
    """Return 3 x 3 convolutions from each number of channels to the next, each with a ReLU, then a pooling."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, kernel_size=3, padding=1), nn.ReLU(inplace=True)]
    return [*layers, nn.MaxPool2d(kernel_size=2, stride=2)]
