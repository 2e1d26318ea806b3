"""The networks that methods are checked on. The names are known without importing torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...foundation.errors import unknown_name
from ...foundation.imports import import_attribute

if TYPE_CHECKING:
    from torch import nn

MODELS = {
    "alexnet": "pytest_saliency_sanity.networks.architectures.alexnet:AlexNet",
    "vgg11": "pytest_saliency_sanity.networks.architectures.vgg:VGG11",
    "resnet": "pytest_saliency_sanity.networks.architectures.resnet:ResNet",
}
OF_THE_PAPER = ("alexnet", "vgg11")


def build_model(name: str, width: float = 1.0, num_classes: int = 10) -> nn.Module:
    """Return an untrained network, initialised by PyTorch's defaults.

    ``name`` is ``"alexnet"`` (the paper's appendix B.3, 114.6 M parameters), ``"vgg11"`` (B.4, 128.8 M) or
    ``"resnet"``, a small residual network with BatchNorm and global pooling (1.2 M). ``width`` (> 0) scales every
    hidden layer; 1 is the paper's network. Takes images ``(N, 3, 64, 64)``, gives logits ``(N, num_classes)``.

    Raises ValueError for an unknown name, a width that is not positive, or fewer than two classes.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    if not width > 0:
        raise ValueError(f"width must be above 0, not {width!r}")
    if num_classes < 2:
        raise ValueError(f"num_classes must be at least 2, not {num_classes!r}")
    model: nn.Module = import_attribute(MODELS[name])(width=width, num_classes=num_classes)
    return model
