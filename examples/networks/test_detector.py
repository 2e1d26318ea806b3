"""A detector: the class that it sees in one box. Needs torchvision.

Non-maximum suppression can't be differentiated, and which boxes remain changes with the weights. So the box is given,
and the detector's own head classifies it: a score for each class, with the background as class 0.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from digits import digits, trained
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

detection = pytest.importorskip("torchvision.models.detection")
KNOWN, HELD_OUT = digits()


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
        features = self.backbone(images)
        features = {"0": features} if isinstance(features, torch.Tensor) else features
        pooled = self.heads.box_roi_pool(features, boxes, sizes)
        logits, _ = self.heads.box_predictor(self.heads.box_head(pooled))
        return logits  # type: ignore[no-any-return]


def detector() -> nn.Module:
    """Return a Faster R-CNN on a small backbone. Yours may be ``fasterrcnn_resnet50_fpn(weights="DEFAULT")``."""
    torch.manual_seed(0)
    backbone = nn.Sequential(
        *(nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
    )
    backbone.out_channels = 32  # what torchvision asks of a backbone
    anchors = detection.rpn.AnchorGenerator(((32,),), ((1.0,),))
    return detection.FasterRCNN(backbone, num_classes=11, rpn_anchor_generator=anchors)  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """Classifies the box that most digits fill; class 0 is the background."""
    assert KNOWN.targets is not None
    return trained(OneBox(detector(), (8.0, 8.0, 56.0, 56.0)), Batch(KNOWN.images, KNOWN.targets + 1), rate=1e-3)


@pytest.fixture
def saliency_batch() -> Batch:
    """Images that it was not trained on, with their classes as the detector counts them."""
    assert HELD_OUT.targets is not None
    return Batch(HELD_OUT.images, HELD_OUT.targets + 1)
