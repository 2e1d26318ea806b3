"""The shipped residual networks that learned scenes: what the manifest claims."""

from __future__ import annotations

import pytest
import torch

from pytest_saliency_sanity.data.scenes import load_scenes
from pytest_saliency_sanity.networks.presets.embedded import bias, digits, scenes
from pytest_saliency_sanity.networks.presets.embedded.networks import family_of
from pytest_saliency_sanity.networks.presets.embedded.scenes import SCENES, shipped_scenes

SHIPPED = ["resnet-random", "resnet-true"]


def test_the_manifest_lists_both_networks() -> None:
    assert list(shipped_scenes().read()) == SHIPPED
    files = {file.name for file in shipped_scenes().folder.iterdir()}
    assert files == {"manifest.json", *(f"{name}.safetensors" for name in SHIPPED)}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_claims_of_the_manifest_hold(name: str) -> None:
    shipped = shipped_scenes().read()[name]
    model = shipped_scenes().load_shipped(shipped)
    now, complaints = SCENES.measure_again(model, shipped.claims)
    assert complaints == []
    assert shipped.claims.recipe == SCENES.recipe
    # Counted independently of the code that made the claims.
    held_out = load_scenes().batch
    assert held_out.targets is not None
    with torch.no_grad():
        right = sum(int(a == b) for a, b in zip(model(held_out.images).argmax(1), held_out.targets, strict=True)) / 1000
    assert right == pytest.approx(shipped.claims.measured.accuracies["held-out"], abs=0.01)
    assert now.chance_range is not None
    low, high = now.chance_range
    if name == "resnet-true":
        assert right >= 0.85
    else:
        assert low <= right <= high
        assert now.accuracies["training"] >= 0.95


def test_counts_of_batch_normalisation_are_kept_as_they_are() -> None:
    counts = [
        tensor
        for name, tensor in shipped_scenes().load("resnet", "true").state_dict().items()
        if name.endswith("num_batches_tracked")
    ]
    epochs, batches = SCENES.recipe.most_epochs, -(-2000 // SCENES.recipe.batch_size)
    assert {(each.dtype, int(each)) for each in counts} == {(torch.int64, epochs * batches)}


def test_all_that_is_shipped_is_at_most_14_mb() -> None:
    folders = (digits.FOLDER, scenes.FOLDER, bias.FOLDER)
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) <= 14_000_000


def test_a_network_that_nobody_ships_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"unknown model 'resnt'.*did you mean 'resnet'"):
        family_of("resnt")
