"""Methods of captum (https://captum.ai), as saliency methods of this project."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from ..scores import explaining, in_chunks


def guided_backprop(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return captum's Guided Backprop (Springenberg et al. 2015, arXiv:1412.6806): raw, signed ``(N, C, H, W)``.

    Raises ImportError where captum is not installed.
    """
    try:
        from captum.attr import GuidedBackprop
    except ImportError as error:
        raise ImportError("guided_backprop needs captum: pip install 'pytest-saliency-sanity[captum]'") from error
    maps = []
    with explaining(model), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Setting backward hooks on ReLU activations")
        explainer = GuidedBackprop(model)
        for chunk, chunk_targets in in_chunks(images, targets):
            maps.append(explainer.attribute(chunk.requires_grad_(), target=chunk_targets).detach())
    return torch.cat(maps)
