"""Grad-CAM (the paper, section 3.1; Selvaraju et al. 2017, arXiv:1610.02391)."""

from __future__ import annotations

import torch
from torch import nn

from .activations import ExecutedConvolutions, LayerActivations, named_layer
from .protocol import plain_passes
from .scores import class_scores, explaining, in_chunks


@plain_passes
def gradcam(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    layer: str | None = None,
    relu: bool = True,
) -> torch.Tensor:
    """Return the Grad-CAM maps ``(N, h, w)`` at the layer's own resolution, neither scaled nor upsampled.

    ``layer``: the name of a module whose output ``(N, K, h, w)`` is used unchanged. By default, the activations of the
    last convolution executed whose output has more than one position: its output after the normalisation and activation
    functions that directly follow, be they modules or function calls. That is what Selvaraju et al. use ("relu5_3" of
    VGG16). ``relu=False`` leaves out the final ReLU and returns signed maps.

    Raises ValueError if the layer does not exist, is not reached or has an output of another shape, or if the model has
    no convolutions; TypeError or ValueError if images, targets or logits have another shape or type.
    """
    maps = []
    with explaining(model):
        chosen = named_layer(model, layer) if layer is not None else None
        for chunk, chunk_targets in in_chunks(images, targets):
            if chosen is None:
                chosen, activations, gradients = at_last_convolution(model, chunk, chunk_targets)
            else:
                activations, gradients = at_layer(model, chosen, chunk, chunk_targets, follow=layer is None)
            maps.append(weighted_sum(activations, gradients))
    stacked = torch.cat(maps)
    return stacked.relu() if relu else stacked


def at_layer(
    model: nn.Module, layer: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, follow: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a layer's activations and the gradient of the class scores with respect to them, ``(N, K, h, w)``."""
    with LayerActivations(layer, follow=follow) as recorded:
        scores = class_scores(model(images), targets)
    return recorded.values, recorded.gradients(scores.sum())


def at_last_convolution(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor
) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """Return the last convolution executed, its activations and their gradients.

    Mostly it is the one registered last, and then a single pass both finds out and is enough.
    """
    executed = ExecutedConvolutions(model)
    likely = executed.likely_last
    with executed, LayerActivations(likely, follow=True) as recorded:
        scores = class_scores(model(images), targets)
    last = executed.last
    if last is likely:
        return last, recorded.values, recorded.gradients(scores.sum())
    return last, *at_layer(model, last, images, targets, follow=True)


def weighted_sum(activations: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """Return sum_k alpha_k A^k, alpha_k the mean gradient over positions: ``(N, h, w)`` from two ``(N, K, h, w)``."""
    alpha = gradients.mean((2, 3), keepdim=True)
    return (alpha * activations).sum(1)
