"""The shipped networks that memorised digits: what the manifest claims."""

from __future__ import annotations

import pytest
import torch

from pytest_saliency_sanity import load_batch
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS, shipped_digits
from pytest_saliency_sanity.networks.storage.shipped import Shipped

SHIPPED = ["alexnet-random", "alexnet-true", "vgg11-random", "vgg11-true"]


@pytest.fixture(scope="module")
def shipped() -> dict[str, Shipped]:
    return shipped_digits().read()


def test_the_manifest_lists_the_four_networks(shipped: dict[str, Shipped]) -> None:
    assert list(shipped) == SHIPPED
    files = {file.name for file in shipped_digits().folder.iterdir()}
    assert files == {"manifest.json", *(f"{name}.safetensors" for name in SHIPPED)}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_claims_of_the_manifest_hold(name: str, shipped: dict[str, Shipped]) -> None:
    claims, networks = shipped[name].claims, shipped_digits()
    now, complaints = DIGITS.measure_again(networks.load_shipped(shipped[name]), claims)
    training, held_out = now.accuracies["training"], now.accuracies["held-out"]
    assert now.parameters == claims.measured.parameters
    assert training == pytest.approx(claims.measured.accuracies["training"], abs=0.01)
    assert held_out == pytest.approx(claims.measured.accuracies["held-out"], abs=0.01)
    assert training >= 0.95
    assert now.chance_range is not None
    low, high = now.chance_range
    if claims.labels == "true":
        assert held_out >= 0.80
        assert held_out > high
    else:
        assert low <= held_out <= high
        assert high < 0.25
    assert complaints == []
    assert (claims.recipe, claims.name) == (DIGITS.recipe, name)


def test_the_accuracies_are_counted_here_as_well(shipped: dict[str, Shipped]) -> None:
    # Independently of the code that made the claims.
    held_out = load_batch("mnist", 1000)
    assert held_out.targets is not None
    for network in ("alexnet", "vgg11"):
        with torch.no_grad():
            predicted = shipped_digits().load(network, "true")(held_out.images).argmax(1)
        claimed = shipped[f"{network}-true"].claims.measured.accuracies["held-out"]
        right = sum(int(a == b) for a, b in zip(predicted, held_out.targets, strict=True))
        assert right / 1000 == pytest.approx(claimed, abs=0.01)


def test_the_files_are_at_most_10_mb() -> None:
    assert sum(file.stat().st_size for file in shipped_digits().folder.iterdir()) <= 10_000_000
