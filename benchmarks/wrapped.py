"""Methods of libraries that no spec reaches: those that want a grid, other images as baselines, or arrays.

Each is a saliency method; its name in a spec is ``wrapped:kernel_shap``. They are what a user of these libraries would
write in ten lines, and nothing more: what a library returns is returned as it is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from pytest_saliency_sanity.methods.adapters.canonical import canonical_copy
from pytest_saliency_sanity.methods.adapters.layers import layer_name

BLACK = -0.4242  # a black pixel, normalised as the digits are
CELLS = 8  # of a grid, along each side
BASELINES = 8  # images of noise
ROWS = 64  # images of one forward pass


def feature_ablation(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return captum's ``FeatureAblation`` of the cells of a grid, ``(N, 8, 8)``."""
    from captum.attr import FeatureAblation

    found = FeatureAblation(model).attribute(
        images, target=targets, baselines=BLACK, feature_mask=grid_of(images), perturbations_per_eval=CELLS
    )
    return cells_of(found)


def shapley_value_sampling(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n_samples: int = 10
) -> torch.Tensor:
    """Return captum's ``ShapleyValueSampling`` of the cells of a grid, ``(N, 8, 8)``."""
    from captum.attr import ShapleyValueSampling

    found = ShapleyValueSampling(model).attribute(
        images,
        target=targets,
        baselines=BLACK,
        feature_mask=grid_of(images),
        n_samples=n_samples,
        perturbations_per_eval=CELLS,
    )
    return cells_of(found)


def kernel_shap(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n_samples: int = 300) -> torch.Tensor:
    """Return captum's ``KernelShap`` of the cells of a grid, ``(N, 8, 8)``."""
    from captum.attr import KernelShap

    return fitted(KernelShap(model), images, targets, n_samples)


def lime(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n_samples: int = 300) -> torch.Tensor:
    """Return captum's ``Lime`` of the cells of a grid, ``(N, 8, 8)``, with its default kernel and regression."""
    from captum.attr import Lime

    return fitted(Lime(model), images, targets, n_samples)


def fitted(explainer: Any, images: torch.Tensor, targets: torch.Tensor, n_samples: int) -> torch.Tensor:
    """Return the coefficients that captum fits for each image by itself."""
    maps = [
        explainer.attribute(
            image[None],
            target=target,
            baselines=BLACK,
            feature_mask=grid_of(image[None]),
            n_samples=n_samples,
            perturbations_per_eval=ROWS,
        )
        for image, target in zip(images, targets.tolist(), strict=True)
    ]
    return cells_of(torch.cat(maps))


def deep_lift_shap(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return captum's ``DeepLiftShap`` against images of noise, ``(N, C, H, W)``."""
    from captum.attr import DeepLiftShap

    explainer = DeepLiftShap(canonical_copy(model, images[:1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it sets hooks
        return torch.cat(
            [
                explainer.attribute(image[None], baselines=noise_like(images), target=target)
                for image, target in zip(images, targets.tolist(), strict=True)
            ]
        ).detach()


def shap_gradient(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, n_samples: int = 50
) -> torch.Tensor:
    """Return shap's ``GradientExplainer`` (expected gradients) against images of noise, ``(N, C, H, W)``."""
    import shap

    def explain(score: nn.Module, image: torch.Tensor) -> np.ndarray:
        found: np.ndarray = shap.GradientExplainer(score, noise_like(images)).shap_values(image, n_samples, rseed=0)
        return found

    return one_by_one(explain, model, images, targets)


def shap_deep(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return shap's ``DeepExplainer`` (DeepLIFT's rescale rule) against images of noise, ``(N, C, H, W)``."""
    import shap

    def explain(score: nn.Module, image: torch.Tensor) -> np.ndarray:
        found: np.ndarray = shap.DeepExplainer(score, noise_like(images)).shap_values(image, check_additivity=False)
        return found

    return one_by_one(explain, canonical_copy(model, images[:1]), images, targets)


class Score(nn.Module):
    """A network's score of one class, ``(N, 1)``: shap explains all outputs that there are."""

    def __init__(self, model: nn.Module, target: int) -> None:
        super().__init__()
        self.model, self.target = model, target

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(images)[:, self.target, None]
        return scores


def one_by_one(
    explain: Callable[[nn.Module, torch.Tensor], np.ndarray],
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
) -> torch.Tensor:
    """Return what ``explain`` returns for the score of each image's target, ``(N, C, H, W)``."""
    pairs = zip(images, targets.tolist(), strict=True)
    return torch.cat([torch.from_numpy(explain(Score(model, target), image[None])[..., 0]) for image, target in pairs])


def shap_partition(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return shap's ``PartitionExplainer`` with black for what is hidden, 200 evaluations, ``(N, C, H, W)``."""
    import shap

    like = images

    def scores(arrays: np.ndarray) -> np.ndarray:
        rows = torch.from_numpy(arrays).to(like).permute(0, 3, 1, 2)
        with torch.no_grad():
            found: np.ndarray = model(rows).double().cpu().numpy()
            return found

    arrays = images.permute(0, 2, 3, 1).cpu().numpy()
    masker = shap.maskers.Image(np.full(arrays.shape[1:], BLACK, arrays.dtype), arrays.shape[1:])
    explainer = shap.PartitionExplainer(scores, masker)
    found = explainer(arrays, max_evals=200, batch_size=ROWS, silent=True).values  # (N, H, W, C, classes)
    return of_targets(found, targets).permute(0, 3, 1, 2)


def explainiverse_cam(kind: str) -> Callable[..., torch.Tensor]:
    """Return a class activation map of explainiverse as a method: maps ``(N, h, w)`` of the default layer."""

    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        from explainiverse.adapters.pytorch_adapter import PyTorchAdapter
        from explainiverse.explainers import gradient

        working = deepcopy(canonical_copy(model, images[:1]))
        adapter = PyTorchAdapter(working, output_activation="none", classification_output_kind="scores")
        explainer = getattr(gradient, kind)(adapter, target_layer=layer_name(working, images[:1], None))
        arrays = zip(images.cpu().numpy(), targets.tolist(), strict=True)
        maps = [explainer.explain(image, target, resize_to_input=False) for image, target in arrays]
        return torch.stack([torch.as_tensor(np.asarray(heatmap_of(each))).float() for each in maps])

    return explain


def heatmap_of(explanation: Any) -> Any:
    """Return the map ``(h, w)`` in an explanation of explainiverse."""
    return explanation.explanation_data["heatmap"]


explainiverse_gradcam = explainiverse_cam("GradCAMExplainer")
explainiverse_layercam = explainiverse_cam("LayerCAMExplainer")
explainiverse_xgradcam = explainiverse_cam("XGradCAMExplainer")
explainiverse_hirescam = explainiverse_cam("HiResCAMExplainer")


def grid_of(images: torch.Tensor) -> torch.Tensor:
    """Return the number of the cell of each pixel, ``(1, 1, H, W)``."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) * CELLS // height
    columns = torch.arange(width, device=images.device) * CELLS // width
    return (rows[:, None] * CELLS + columns)[None, None]


def cells_of(attributions: torch.Tensor) -> torch.Tensor:
    """Return a value for each cell ``(N, 8, 8)`` of attributions that are equal within a cell."""
    height, width = attributions.shape[2] // CELLS, attributions.shape[3] // CELLS
    return attributions[:, 0, ::height, ::width].detach()


def noise_like(images: torch.Tensor) -> torch.Tensor:
    """Return images of noise with the mean and the deviation of digits: the other images of a batch can't serve."""
    generator = torch.Generator("cpu").manual_seed(0)
    return torch.randn(BASELINES, *images.shape[1:], generator=generator).to(images)


def of_targets(values: np.ndarray, targets: torch.Tensor) -> torch.Tensor:
    """Return of values ``(N, ..., classes)`` those of each image's target, ``(N, ...)``."""
    return torch.from_numpy(np.stack([row[..., at] for row, at in zip(values, targets.tolist(), strict=True)]))
