"""The explainers that the gate asks, as saliency methods: ``(model, images, targets) -> maps``."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import shap
import torch
from torch import nn

BACKGROUND = 4  # images
Method = Callable[[nn.Module, torch.Tensor, torch.Tensor], torch.Tensor]


class Score(nn.Module):
    """A network's score of one class, ``(N, 1)``: an explainer explains every output that it finds."""

    def __init__(self, model: nn.Module, target: int) -> None:
        super().__init__()
        self.model, self.target = deepcopy(model), target
        for module in self.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # DeepExplainer's hooks need what went in

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the score of each image."""
        scores: torch.Tensor = self.model(images)[:, self.target, None]
        return scores


def background(images: torch.Tensor) -> torch.Tensor:
    """Return images of noise to compare with: a map must not depend on the other images of its batch."""
    generator = torch.Generator("cpu").manual_seed(0)
    return torch.randn(BACKGROUND, *images.shape[1:], generator=generator).to(images)


def explained_by(name: str, **keywords: object) -> Method:
    """Return the method of an explainer: it explains each image's target by itself, maps ``(N, C, H, W)``."""

    def explain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        maps = []
        for image, target in zip(images, targets.tolist(), strict=True):
            explainer = getattr(shap, name)(Score(model, target), background(images))
            maps.append(torch.from_numpy(explainer.shap_values(image[None], **keywords)[..., 0]))
        return torch.cat(maps)

    return explain


def pytest_saliency_methods() -> dict[str, Method]:
    """Return them by the name that the results show."""
    return {
        "DeepExplainer": explained_by("DeepExplainer", check_additivity=False),
        "GradientExplainer": explained_by("GradientExplainer", nsamples=20, rseed=0),
    }
