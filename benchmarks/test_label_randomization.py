"""Figures 3 and 4 (section 4.1): maps of a network that learned the labels beside those of one that memorised noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import torch
from experiment import Report, Size
from plots import Picture, bars, grid_of_maps
from scipy.stats import rankdata
from torch import nn
from torch.nn import functional as F

from pytest_saliency_sanity import gradcam, load_batch, smoothgrad, spearman
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.maps import as_seen, maps_of, reduced
from pytest_saliency_sanity.measuring.statistics import mean_interval
from pytest_saliency_sanity.methods.protocol import SaliencyMethod
from pytest_saliency_sanity.networks.architectures import OF_THE_PAPER

pytestmark = pytest.mark.slow

METHODS: dict[str, SaliencyMethod] = {"gradcam": gradcam, "smoothgrad": smoothgrad}
PAPER = {"gradcam": "about 0", "smoothgrad": "about 0.8"}  # figure 4
SHOWN = 7  # the class that figure 3 shows


class Pair(NamedTuple):
    """A network of true labels, its twin of memorised random ones, digits, and the classes explained."""

    name: str
    true: nn.Module
    random: nn.Module
    images: torch.Tensor
    targets: torch.Tensor


@pytest.fixture(scope="module", params=sorted(OF_THE_PAPER))
def pair(request: pytest.FixtureRequest, size: Size, saliency_device: torch.device) -> Pair:
    true = size.preset.network(request.param, saliency_device)
    random = size.preset.supply("memorized_model", request.param, size.digits, saliency_device)
    assert isinstance(random, nn.Module)
    images = load_batch("mnist", size.digits).images.to(saliency_device)
    return Pair(request.param, true, random, images, logits_of(true, images).argmax(1))


@pytest.fixture(scope="module")
def found() -> dict[str, list[tuple[object, ...]]]:
    """The rows of every network's tables."""
    return {"figure-4": [], "readings": []}


def explained(method: SaliencyMethod, model: nn.Module, pair: Pair, seed: int = 0) -> torch.Tensor:
    return maps_of(method, model, pair.images, pair.targets, name=pair.name, seed=seed)


def test_figure_3(pair: Pair, report: Report) -> None:
    """One digit, explained by both networks."""
    row = (pair.targets == SHOWN).nonzero()[0, 0]
    one = Pair(pair.name, pair.true, pair.random, pair.images[row : row + 1], pair.targets[row : row + 1])
    image = one.images[0].cpu()
    shown = ((image - image.min()) / (image.max() - image.min())).permute(1, 2, 0).numpy()
    rows = {}
    for labels, model in (("true labels", pair.true), ("random labels", pair.random)):
        maps = {name: reduced(explained(method, model, one), "absolute")[0].cpu() for name, method in METHODS.items()}
        rows[labels] = [
            Picture(shown, "digit"),
            Picture(maps["gradcam"].numpy(), "Grad-CAM", over=shown),
            Picture(maps["smoothgrad"].numpy(), "SmoothGrad"),
        ]
    grid_of_maps(rows, report.figure(f"figure-3-{pair.name}"), title=f"{pair.name}, class {SHOWN}")


@pytest.mark.parametrize("method", METHODS)
def test_figure_4(pair: Pair, method: str, report: Report, found: dict[str, list[tuple[object, ...]]]) -> None:
    """The mean SRC with the range that holds 95 % of the digits, signed and absolute."""
    maps = [explained(METHODS[method], model, pair) for model in (pair.true, pair.random)]
    for sign in ("absolute", "signed"):
        src = spearman(*(reduced(each, sign) for each in maps)).cpu().numpy()
        defined = src[~np.isnan(src)]
        mean, low, high = mean_interval(src[None])
        found["figure-4"].append(
            (
                pair.name,
                method,
                sign,
                mean,
                f"{low:.3f} to {high:.3f}",
                "{:.3f} to {:.3f}".format(*np.quantile(defined, [0.025, 0.975])),
                f"{len(src) - len(defined)} of {len(src)}",
                PAPER[method],
            )
        )
    heading = ("network", "method", "maps", "mean SRC", "its 95 % interval", "95 % of digits", "undefined", "the paper")
    report.table("figure-4", heading, found["figure-4"])
    assert len(defined) > 0


def test_which_map_was_ranked(
    pair: Pair, size: Size, report: Report, found: dict[str, list[tuple[object, ...]]]
) -> None:
    """The paper does not say what it ranked: the mean SRC of the same maps, read in every way that is usual."""
    both = [readings(model, pair, size.samples) for model in (pair.true, pair.random)]
    for reading in both[0]:
        before, after = (each[reading].double().cpu() for each in both)
        src = spearman(before, after).numpy()
        by_position = np.mean([ordinal_src(*two) for two in zip(before.numpy(), after.numpy(), strict=True)])
        undefined = int(np.isnan(src).sum())
        found["readings"].append((pair.name, reading, float(np.nanmean(src)), float(by_position), undefined))
    heading = ("network", "what is ranked", "mean SRC", "the same, ties ranked by position", "undefined")
    report.table("figure-4-readings", heading, found["readings"])


def readings(model: nn.Module, pair: Pair, samples: int) -> dict[str, torch.Tensor]:
    """Return maps ``(N, h, w)`` by what they are called."""
    largest = (pair.images.amax((1, 2, 3)) - pair.images.amin((1, 2, 3))).view(-1, 1, 1, 1)
    mean, magnitude = sampled_gradients(model, pair, 0.2 * largest, samples)
    _, far_off = sampled_gradients(model, pair, torch.full_like(largest, 20.0), samples)
    cam = explained(lambda *given: gradcam(*given, relu=False), model, pair)
    signed, absolute = mean.sum(1), mean.abs().sum(1)
    return {
        "SmoothGrad, signed": signed,
        "SmoothGrad, signed, negatives cut off": signed.clamp(min=0),
        "SmoothGrad, absolute": absolute,
        "SmoothGrad, absolute, the largest channel": mean.abs().amax(1),
        "SmoothGrad, absolute, as 8-bit pictures": as_seen(absolute),
        "SmoothGrad, absolute, times the image": (mean * pair.images).sum(1).abs(),
        "SmoothGrad of magnitudes": magnitude.sum(1),
        "SmoothGrad of magnitudes, noise of 20 in normalised units": far_off.sum(1),
        "Grad-CAM": cam.clamp(min=0),
        "Grad-CAM, upsampled to the image": upsampled(cam.clamp(min=0), pair.images),
        "Grad-CAM without its ReLU": cam,
        "Grad-CAM without its ReLU, absolute": cam.abs(),
        "Grad-CAM without its ReLU, upsampled to the image": upsampled(cam, pair.images),
    }


def sampled_gradients(
    model: nn.Module, pair: Pair, std: torch.Tensor, samples: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the mean of the gradients of noisy images ``(N, C, H, W)``, and the mean of their magnitudes."""
    generator = torch.Generator(pair.images.device).manual_seed(0)
    mean, magnitude = torch.zeros_like(pair.images), torch.zeros_like(pair.images)
    for _ in range(samples):
        noise = torch.randn(pair.images.shape, generator=generator, device=pair.images.device)
        for rows in torch.arange(len(pair.images), device=pair.images.device).split(50):
            noisy = (pair.images[rows] + std[rows] * noise[rows]).requires_grad_()
            score = model(noisy)[range(len(rows)), pair.targets[rows]].sum()
            (gradient,) = torch.autograd.grad(score, noisy)
            mean[rows] += gradient / samples
            magnitude[rows] += gradient.abs() / samples
    return mean, magnitude


def upsampled(maps: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    return F.interpolate(maps[:, None], images.shape[-2:], mode="bilinear", align_corners=False)[:, 0]


def ordinal_src(before: np.ndarray, after: np.ndarray) -> float:
    """Return the paper's appendix D to the letter: every pixel has an integer rank of its own, ties by position."""
    ranks = [rankdata(values.ravel(), method="ordinal") for values in (before, after)]
    n = before.size
    return float(1 - 6 * ((ranks[0] - ranks[1]) ** 2).sum() / (n * (n**2 - 1)))


def test_the_figure_of_all(report: Report, found: dict[str, list[tuple[object, ...]]]) -> None:
    """Figure 4 itself: a bar for each method and sign."""
    from pytest_saliency_sanity.measuring.interval import Interval

    if not found["figure-4"]:
        pytest.skip("no network was looked at")
    groups: dict[str, dict[str, Interval]] = {}
    for network, method, sign, mean, _, spread, *_ in found["figure-4"]:
        low, high = map(float, str(spread).split(" to "))
        groups.setdefault(f"{network}\n{method}", {})[str(sign)] = Interval(float(mean), low, high)  # type: ignore[arg-type]
    bars(groups, report.figure("figure-4"), title="Labels randomised: mean SRC, bars hold 95 % of the digits")
