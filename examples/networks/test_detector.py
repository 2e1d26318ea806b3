"""A detector: the class that it sees in one box. Needs torchvision.

Non-maximum suppression can't be differentiated, and which boxes remain changes with the weights. So the box is given,
and the detector's own head classifies it: a score for each class, with the background as class 0.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from digits import digits
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

detection = pytest.importorskip("torchvision.models.detection")
_, HELD_OUT = digits()


class OneBox(nn.Module):
    """The classes of one box ``(x1, y1, x2, y2)``, in pixels of the image, by one of torchvision's Faster R-CNNs."""

    def __init__(self, detector: Any, box: tuple[float, float, float, float]) -> None:
        super().__init__()
        self.backbone, self.heads = detector.backbone, detector.roi_heads
        self.box = box

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, classes)`` of images that are normalised already."""
        boxes = [images.new_tensor([self.box])] * len(images)
        sizes = [tuple(images.shape[2:])] * len(images)
        pooled = self.heads.box_roi_pool(self.backbone(images), boxes, sizes)
        logits, _ = self.heads.box_predictor(self.heads.box_head(pooled))
        return logits  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """A detector of random weights; load yours."""
    torch.manual_seed(0)
    detector = detection.fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=11)
    return OneBox(detector, (12.0, 12.0, 52.0, 52.0)).eval()


@pytest.fixture
def saliency_batch() -> Batch:
    """Twenty images, since a pass takes a while."""
    return Batch(HELD_OUT.images[:20])
