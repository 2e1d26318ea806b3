"""A vision transformer: Grad-CAM over its tokens, and its attention. Needs torchvision.

pytest test_vision_transformer.py --saliency-method=gradient
pytest test_vision_transformer.py --saliency-method=test_vision_transformer:token_cam
pytest test_vision_transformer.py --saliency-method=test_vision_transformer:attention
"""

from __future__ import annotations

import pytest
import torch
from digits import digits, trained
from torch import nn

from pytest_saliency_sanity import Batch
from pytest_saliency_sanity.suite import *  # noqa: F403  (the packaged tests)

models = pytest.importorskip("torchvision.models")
KNOWN, HELD_OUT = digits()
GRID = 8  # tokens a side


def token_cam(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Grad-CAM of the last block's tokens, reshaped to the grid of patches; the class token is left out."""
    kept: list[torch.Tensor] = []
    layer = model.get_submodule(f"encoder.layers.encoder_layer_{len(model.encoder.layers) - 1}.ln_1")
    with torch.enable_grad():
        hook = layer.register_forward_hook(lambda module, given, output: kept.append(output))
        try:
            scores = model(images.clone().requires_grad_()).gather(1, targets[:, None]).sum()
        finally:
            hook.remove()
        (gradients,) = torch.autograd.grad(scores, kept)
    weights = gradients[:, 1:].mean(1, keepdim=True)
    return (weights * kept[0][:, 1:]).sum(2).relu().detach().view(-1, GRID, GRID)


def attention(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Attention of the class token, rolled out through all blocks (Abnar and Zuidema 2020). It ignores the class."""
    rolled: torch.Tensor | None = None

    def note(block: nn.Module, given: tuple[torch.Tensor], output: torch.Tensor) -> None:
        nonlocal rolled
        tokens = block.ln_1(given[0])
        _, weights = block.self_attention(tokens, tokens, tokens, need_weights=True)
        mixed = (weights + torch.eye(weights.shape[1], device=weights.device)) / 2  # half of it goes past attention
        rolled = mixed if rolled is None else mixed @ rolled

    hooks = [block.register_forward_hook(note) for block in model.encoder.layers]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    assert rolled is not None
    return rolled[:, 0, 1:].reshape(-1, GRID, GRID)


@pytest.fixture(scope="session")
def saliency_model() -> nn.Module:
    """A small transformer that tells digits."""
    torch.manual_seed(0)
    model = models.VisionTransformer(
        image_size=64, patch_size=64 // GRID, num_layers=3, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=10
    )
    return trained(model, KNOWN, epochs=15)


@pytest.fixture
def saliency_batch() -> Batch:
    """Images that it was not trained on."""
    return HELD_OUT
