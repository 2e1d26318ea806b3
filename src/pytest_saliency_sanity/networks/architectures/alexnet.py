"""AlexNet as the paper lists it (appendix B.3): wider than Krizhevsky's, so that it can memorise random labels."""

from __future__ import annotations

import torch
from torch import nn

from .width import scaled


class AlexNet(nn.Module):
    """Appendix B.3 at ``width=1``; ``width`` scales every hidden layer. Images ``(N, 3, H, W)``, H and W >= 63."""

    def __init__(self, width: float = 1.0, num_classes: int = 10) -> None:
        super().__init__()
        c1, c2, c3, c4, c5 = scaled(width, 128, 384, 480, 384, 256)
        hidden1, hidden2 = scaled(width, 8192, 4096)
        self.features: nn.Sequential = nn.Sequential(
            nn.Conv2d(3, c1, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c1, c2, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(c2, c3, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c3, c4, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c4, c5, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.avgpool: nn.AdaptiveAvgPool2d = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier: nn.Sequential = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(c5 * 6 * 6, hidden1),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(hidden1, hidden2),
            nn.ReLU(inplace=True),
            nn.Linear(hidden2, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(N, num_classes)`` of images ``(N, 3, H, W)``."""
        logits: torch.Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits
