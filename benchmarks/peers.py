"""The jobs of ``workloads.py`` as users of other libraries do them: with Quantus, and with captum and scipy by hand."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from captum.attr import LayerGradCam, NoiseTunnel, Saliency
from scipy.stats import spearmanr
from torch import nn
from workloads import NOISE, Workload

Scores = dict[str, list[float]]


def by_quantus(workload: Workload) -> Scores:
    """Return the scores of Quantus's Model Parameter Randomisation Test, by stage."""
    import quantus  # of the extra `performance`, not of `test`

    test = quantus.MPRT(
        similarity_func=quantus.similarity_func.correlation_spearman,
        layer_order="top_down",
        abs=False,
        normalise=False,
        disable_warnings=True,
        display_progressbar=False,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores: Scores = test(
            model=workload.model,
            x_batch=workload.images.cpu().numpy(),
            y_batch=workload.targets.cpu().numpy(),
            channel_first=True,
            explain_func={
                "gradcam": gradcam_by_quantus,
                "gradient": quantus.explain,
                "smoothgrad": smoothgrad_for_quantus,
            }[workload.job.method],
            explain_func_kwargs=quantus_keywords(workload),
            device=str(workload.device),
        )
    return scores


def quantus_keywords(workload: Workload) -> dict[str, Any]:
    """Return the keywords of ``quantus.explain``."""
    if workload.job.method == "gradcam":
        parent, _, index = workload.layer.rpartition(".")
        # An expression, evaluated for each model anew. Maps must have the size of the images.
        size = tuple(workload.images.shape[2:])
        return {"method": "LayerGradCam", "gc_layer": f"model.{parent}[{index}]", "interpolate": size}
    return {"method": "Gradient"} if workload.job.method == "gradient" else {"samples": workload.job.samples}


def gradcam_by_quantus(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **keywords: Any) -> np.ndarray:
    """Return Quantus's Grad-CAM maps, each less its mean.

    Quantus can't ask captum for the final ReLU. Without it, all maps of a randomised network may be negative, which
    Quantus refuses. Ranks do not depend on the mean.
    """
    import quantus

    maps: np.ndarray = quantus.explain(model, inputs, targets, **keywords)
    maps -= maps.mean(axis=(1, 2, 3), keepdims=True)
    return maps


def smoothgrad_for_quantus(
    model: nn.Module, inputs: np.ndarray, targets: np.ndarray, samples: int, device: str
) -> np.ndarray:
    """Return SmoothGrad's maps ``(N, 1, H, W)``, which Quantus does not have for captum."""
    maps = smoothgrad_by_captum(
        model, torch.as_tensor(inputs, device=device), torch.as_tensor(targets, device=device), samples
    )
    return maps.sum(1, keepdim=True).cpu().numpy()


def by_captum(workload: Workload) -> Scores:
    """Return the rank correlations of a loop over the stages, each image's maps compared by scipy."""
    return compared(workload, reset_from_the_top(workload.model))


def compared(workload: Workload, stages: Iterable[tuple[str, nn.Module]]) -> Scores:
    """Return the rank correlations of the maps of a network and of each of its randomised versions, by stage."""
    before = maps_by_captum(workload, workload.model)
    scores = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant map has no rank correlation
        for name, model in stages:
            after = maps_by_captum(workload, model)
            scores[name] = [float(spearmanr(*pair).statistic) for pair in zip(before, after, strict=True)]
    return scores


def reset_from_the_top(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the name of each layer from the last one down, and the model with all layers from there on reset."""
    randomised = copy.deepcopy(model)
    for name, layer in reversed(list(randomised.named_modules())):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.reset_parameters()
            yield name, randomised


def maps_by_captum(workload: Workload, model: nn.Module) -> np.ndarray:
    """Return captum's maps of a model, one row for each image. Grad-CAM's stay as small as the layer."""
    images, targets = workload.images, workload.targets
    if workload.job.method == "gradcam":
        explainer = LayerGradCam(model, model.get_submodule(workload.layer))
        maps = explainer.attribute(images, target=targets, relu_attributions=True)
    elif workload.job.method == "gradient":
        maps = gradient_by_captum(model, images, targets)
    else:
        maps = smoothgrad_by_captum(model, images, targets, workload.job.samples)
    flat: np.ndarray = maps.detach().sum(1).flatten(1).cpu().numpy()
    return flat


def gradient_by_captum(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the signed gradient ``(N, C, H, W)``."""
    maps: torch.Tensor = Saliency(model).attribute(images.clone().requires_grad_(), target=targets, abs=False)
    return maps


def smoothgrad_by_captum(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, samples: int) -> torch.Tensor:
    """Return the mean of signed gradients ``(N, C, H, W)``."""
    deviation = NOISE * float(images.max() - images.min())  # one for the whole batch is all that captum takes
    maps: torch.Tensor = NoiseTunnel(Saliency(model)).attribute(
        images.clone().requires_grad_(), target=targets, nt_samples=samples, stdevs=deviation, abs=False
    )
    return maps.detach()
