"""A small residual network (He et al. 2015, arXiv:1512.03385) of today's kind: BatchNorm, and global pooling."""

from __future__ import annotations

import torch
from torch import nn

from .width import scaled


class ResNet(nn.Module):
    """The first three stages of ResNet-18 at ``width=1``, with one block each; ``width`` scales every hidden layer.

    The stem is that of He et al. for small images (section 4.2), a 3 x 3 convolution, then a pooling by 2. Images
    ``(N, 3, H, W)``, H and W >= 8; the last features have an eighth of their sides.
    """

    def __init__(self, width: float = 1.0, num_classes: int = 10) -> None:
        super().__init__()
        c1, c2, c3 = scaled(width, 64, 128, 256)
        self.features: nn.Sequential = nn.Sequential(
            nn.Conv2d(3, c1, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(c1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=2, stride=2),
            Block(c1, c1, stride=1),
            Block(c1, c2, stride=2),
            Block(c2, c3, stride=2),
        )
        self.avgpool: nn.AdaptiveAvgPool2d = nn.AdaptiveAvgPool2d(1)
        self.classifier: nn.Linear = nn.Linear(c3, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits ``(N, num_classes)`` of images ``(N, 3, H, W)``."""
        logits: torch.Tensor = self.classifier(self.avgpool(self.features(images)).flatten(1))
        return logits


class Block(nn.Module):
    """Two convolutions and a shortcut around them: the identity, or 1 x 1 if the size changes (section 3.3, option B).

    Each ReLU is a module of its own, which methods that rewrite gradients of modules need.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1: nn.Conv2d = nn.Conv2d(inputs, outputs, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1: nn.BatchNorm2d = nn.BatchNorm2d(outputs)
        self.relu1: nn.ReLU = nn.ReLU(inplace=True)
        self.conv2: nn.Conv2d = nn.Conv2d(outputs, outputs, kernel_size=3, padding=1, bias=False)
        self.bn2: nn.BatchNorm2d = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, kernel_size=1, stride=stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))
        self.relu2: nn.ReLU = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features of the block's output size."""
        new = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(features)))))
        added: torch.Tensor = self.relu2(new + self.shortcut(features))
        return added
