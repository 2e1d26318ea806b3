"""Figures 1 and 2 (section 3): Grad-CAM of two classes of one image, and SmoothGrad by n and sigma."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from experiment import Report
from imagenet import NETWORKS, network_of, photographs_of, top1
from plots import Picture, grid_of_maps
from torch import nn

from pytest_saliency_sanity import Batch, gradcam, smoothgrad, spearman
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.plugin.settings import Settings

pytestmark = pytest.mark.slow

SAMPLES = (1, 5, 10, 20, 50)
NOISE = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)


@pytest.fixture(scope="module", params=NETWORKS)
def network(
    request: pytest.FixtureRequest, saliency_settings: Settings, saliency_device: torch.device
) -> tuple[str, nn.Module, Batch]:
    batch, model = photographs_of(saliency_settings), network_of(request.param, saliency_settings)
    return request.param, model.to(saliency_device), batch.to(saliency_device)


def picture_of(image: torch.Tensor) -> np.ndarray:
    """Return an image ``(h, w, 3)`` from 0 to 1, its normalisation taken back."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    shown: np.ndarray = (image.cpu() * std + mean).clamp(0, 1).permute(1, 2, 0).numpy()
    return shown


def test_figure_1(network: tuple[str, nn.Module, Batch], report: Report) -> None:
    """The photographs whose second class the network is surest of, each explained for both of its first two."""
    name, model, batch = network
    probable, classes = logits_of(model, batch.images).softmax(1).topk(2)
    rows = {}
    for row in probable[:, 1].argsort(descending=True)[:3].tolist():
        image, shown = batch.images[row : row + 1], picture_of(batch.images[row])
        pictures = [Picture(shown, "image")]
        for rank in (0, 1):
            target = classes[row, rank : rank + 1]
            cam = gradcam(model, image, target)[0].cpu().numpy()
            pictures.append(Picture(cam, f"class {int(target)}, p = {float(probable[row, rank]):.2f}", over=shown))
        rows[f"photograph {row}"] = pictures
        assert not np.allclose(pictures[1].values, pictures[2].values)  # Grad-CAM tells classes apart
    grid_of_maps(
        rows,
        report.figure(f"figure-1-{name}"),
        title=f"{name}, top-1 {top1(model, batch)}",
    )


def test_figure_2(network: tuple[str, nn.Module, Batch], report: Report) -> None:
    """One photograph by number of samples (down) and noise (across); and how much two draws of the noise agree."""
    name, model, batch = network
    image = batch.images[:1]
    target = logits_of(model, image).argmax(1)
    rows, agreement = {}, []
    for n in SAMPLES:
        both = [
            [
                smoothgrad(model, image, target, n_samples=n, noise_level=noise, seed=seed).abs().sum(1)[0].cpu()
                for noise in NOISE
            ]
            for seed in (0, 1)
        ]
        drawn = [Picture(maps.numpy(), f"sigma {noise:.0%}") for maps, noise in zip(both[0], NOISE, strict=True)]
        rows[f"n = {n}"] = [Picture(picture_of(batch.images[0]), "image"), *drawn]
        agreement.append((n, *(float(spearman(a[None], b[None])) for a, b in zip(*both, strict=True))))
    grid_of_maps(rows, report.figure(f"figure-2-{name}"), title=f"SmoothGrad by n and sigma ({name})")
    report.table(f"figure-2-{name}-repeatability", ("n", *(f"sigma {noise:.0%}" for noise in NOISE)), agreement)
    # Without noise there is nothing to average; with it, more samples agree better.
    assert agreement[0][1] == pytest.approx(1)
    assert agreement[-1][-2] > agreement[0][-2]
