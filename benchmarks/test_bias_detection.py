"""Figure 7 (section 4.3): what a biased and a balanced network look at, on an image against the stereotype."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from experiment import Report
from plots import Picture, grid_of_maps

from pytest_saliency_sanity import gradcam, smoothgrad
from pytest_saliency_sanity.data.biased_digits import KINDS, load_counter_stereotypes
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.measuring.maps import reduced
from pytest_saliency_sanity.methods.protocol import SaliencyMethod
from pytest_saliency_sanity.networks.architectures import OF_THE_PAPER
from pytest_saliency_sanity.networks.presets.embedded.bias import load_bias_checkpoint

pytestmark = pytest.mark.slow

METHODS: dict[str, SaliencyMethod] = {"Grad-CAM": gradcam, "SmoothGrad": smoothgrad}
SHOWN = 2


@pytest.mark.parametrize("network", OF_THE_PAPER)
def test_figure_7(network: str, report: Report, saliency_device: torch.device) -> None:
    """Images that the biased network misjudges and the balanced one does not, as in the paper."""
    test = load_counter_stereotypes()
    images = test.images.to(saliency_device)
    models = {kind: load_bias_checkpoint(network, kind).to(saliency_device) for kind in KINDS}
    predicted = {kind: logits_of(model, images).argmax(1).cpu() for kind, model in models.items()}
    telling = (predicted["biased"] != test.classes) & (predicted["balanced"] == test.classes)
    assert telling.any()
    rows = {}
    for row in telling.nonzero().flatten()[:SHOWN].tolist():
        image = images[row : row + 1]
        shown = picture_of(image[0])
        pictures = [Picture(shown, f"class {int(test.classes[row])}")]
        for kind, model in models.items():
            target = predicted[kind][row : row + 1].to(saliency_device)
            for name, method in METHODS.items():
                maps = reduced(method(model, image, target), "absolute")[0].detach().cpu().numpy()
                title = f"{kind}: {int(target)}, {name}"
                pictures.append(Picture(maps, title, over=shown if name == "Grad-CAM" else None))
        rows[f"image {row}"] = pictures
    grid_of_maps(rows, report.figure(f"figure-7-{network}"), title=f"{network}: the class that each network predicts")


def picture_of(image: torch.Tensor) -> np.ndarray:
    """Return a canvas ``(h, w, 3)`` from 0 to 1."""
    values = image.cpu()
    shown: np.ndarray = ((values - values.min()) / (values.max() - values.min())).permute(1, 2, 0).numpy()
    return shown


def test_accuracies(report: Report, saliency_device: torch.device) -> None:
    """Accuracy on the counter-stereotypes, beside the paper's 56 % and 81 %."""
    test = load_counter_stereotypes()
    rows = []
    for network in OF_THE_PAPER:
        for kind, paper in zip(KINDS, ("56 %", "81 %"), strict=True):
            model = load_bias_checkpoint(network, kind).to(saliency_device)
            right = logits_of(model, test.images.to(saliency_device)).argmax(1).cpu() == test.classes
            by_class = [float(right[test.classes == label].double().mean()) for label in (0, 1)]
            rows.append((network, kind, float(right.double().mean()), *by_class, paper))
    report.table("bias-accuracy", ("network", "data", "counter-stereotypes", "class 0", "class 1", "the paper"), rows)
