"""Figures 5 and 6 (section 4.2): maps as the weights are randomised, from the classifier down to the first layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest
import torch
from experiment import Report, Size
from imagenet import NETWORKS, network_of, photographs_of, top1
from plots import Picture, curves, grid_of_maps
from torch import nn

from pytest_saliency_sanity import CascadingRandomizer, gradcam, load_batch, smoothgrad, spearman
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.foundation.reading import SIGNS
from pytest_saliency_sanity.measuring.interval import Interval
from pytest_saliency_sanity.measuring.maps import maps_of, reduced
from pytest_saliency_sanity.measuring.statistics import mean_interval
from pytest_saliency_sanity.methods.protocol import SaliencyMethod
from pytest_saliency_sanity.networks.architectures import OF_THE_PAPER
from pytest_saliency_sanity.plugin.settings import Settings

pytestmark = pytest.mark.slow

DIGITS = 20  # as many as the paper has photographs


class Case(NamedTuple):
    """A network, its images, and the classes explained: the true ones, or those predicted where none are known."""

    name: str
    model: nn.Module
    images: torch.Tensor
    targets: torch.Tensor
    top1: str


@pytest.fixture(scope="module", params=[*(f"digits-{name}" for name in OF_THE_PAPER), *NETWORKS])
def case(
    request: pytest.FixtureRequest, size: Size, saliency_settings: Settings, saliency_device: torch.device
) -> Case:
    name: str = request.param
    if name.startswith("digits-"):
        model = size.preset.network(name.removeprefix("digits-"), saliency_device)
        batch, shown = load_batch("mnist", DIGITS).to(saliency_device), "see the trainings"
    else:
        batch = photographs_of(saliency_settings).to(saliency_device)
        model = network_of(name, saliency_settings).to(saliency_device)
        shown = top1(model, batch)
    targets = logits_of(model, batch.images).argmax(1) if batch.targets is None else batch.targets
    print(f"{name}: top-1 {shown}")
    return Case(name, model, batch.images, targets, shown)


def spread(names: Sequence[str], count: int) -> list[str]:
    """Return at most ``count`` of the stages, evenly spread, the first and the last among them."""
    rows = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    return [names[row] for row in rows]


def methods_at(size: Size) -> dict[str, SaliencyMethod]:
    def smooth(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return smoothgrad(model, images, targets, n_samples=size.cascade_samples)

    return {"gradcam": gradcam, "smoothgrad": smooth}


def maps_by_stage(case: Case, method: SaliencyMethod, stages: list[str], seed: int) -> dict[str, torch.Tensor | None]:
    """Return the maps at each stage, None where the network is dead."""
    cascade = CascadingRandomizer(case.model, seed=seed, images=case.images)
    return {
        stage.name: None
        if stage.dead
        else maps_of(method, stage.model, case.images, case.targets, name=case.name, seed=0)
        for stage in cascade.stages(stages)
    }


def test_figure_6(case: Case, size: Size, report: Report) -> None:
    """The mean SRC at each stage, over images and draws of weights."""
    stages = spread(CascadingRandomizer(case.model, images=case.images).names(), size.stages)
    lines: dict[str, dict[str, Interval]] = {}
    for name, method in methods_at(size).items():
        before = maps_of(method, case.model, case.images, case.targets, name=case.name, seed=0)
        src = np.full((len(SIGNS), len(stages), size.draws, len(case.images)), np.nan)
        for draw in range(size.draws):
            after = maps_by_stage(case, method, stages, draw)
            for row, sign in enumerate(SIGNS):
                for column, maps in enumerate(after[stage] for stage in stages):
                    if maps is not None:
                        src[row, column, draw] = spearman(reduced(before, sign), reduced(maps, sign)).cpu().numpy()
        for row, sign in enumerate(SIGNS):
            lines[f"{name}, {sign}"] = {stage: mean_interval(src[row, at]) for at, stage in enumerate(stages)}
    rows = [
        (stage, *(f"{line[stage].mean:.3f} [{line[stage].low:.3f}, {line[stage].high:.3f}]" for line in lines.values()))
        for stage in stages
    ]
    report.table(f"figure-6-{case.name}", ("randomised down to", *lines), rows)
    report.table(
        f"figure-6-{case.name}-network",
        ("network", "images", "draws", "SmoothGrad's n", "top-1"),
        [(case.name, len(case.images), size.draws, size.cascade_samples, case.top1)],
    )
    curves(lines, report.figure(f"figure-6-{case.name}"), title=f"{case.name}: weights randomised from the top down")
    last = lines["gradcam, absolute"][stages[-1]].mean
    assert np.isnan(last) or abs(last) < 0.5  # the paper: towards 0


def test_figure_5(case: Case, size: Size, report: Report) -> None:
    """One image, explained at each stage."""
    one = case._replace(images=case.images[:1], targets=case.targets[:1])
    stages = spread(CascadingRandomizer(case.model, images=case.images).names(), min(size.stages, 8))
    rows = {}
    for name, method in methods_at(size).items():
        trained = maps_of(method, one.model, one.images, one.targets, name=case.name, seed=0)
        by_stage = {"trained": trained, **maps_by_stage(one, method, stages, seed=0)}
        rows[name] = [
            Picture(reduced(maps, "absolute")[0].cpu().numpy(), stage)
            for stage, maps in by_stage.items()
            if maps is not None
        ]
    grid_of_maps(rows, report.figure(f"figure-5-{case.name}"), title=f"{case.name}: randomised down to the layer above")
