"""The networks of the bias scenario: those that are shipped, and how they are trained."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
from support.trainings import bytes_of, trained, with_recipe

from pytest_saliency_sanity import build_model
from pytest_saliency_sanity.data import biased_digits
from pytest_saliency_sanity.data.biased_digits import load_counter_stereotypes
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.architectures import MODELS
from pytest_saliency_sanity.networks.presets.embedded import bias
from pytest_saliency_sanity.networks.presets.embedded.bias import (
    BIAS,
    load_bias_checkpoint,
    shipped_bias,
    shipped_scenario,
)
from pytest_saliency_sanity.networks.storage.collection import Choice
from pytest_saliency_sanity.networks.training.training import Training

SHIPPED = [f"{network}-{kind}" for network in sorted(MODELS) for kind in ("balanced", "biased")]


# The shipped networks


def test_the_manifest_lists_the_six_networks() -> None:
    networks = shipped_bias()
    assert list(networks.read()) == SHIPPED
    files = list(networks.folder.iterdir())
    assert {file.name for file in files} == {"manifest.json", *(f"{name}.safetensors" for name in SHIPPED)}
    assert sum(file.stat().st_size for file in files) <= 2_500_000


@pytest.mark.parametrize("name", SHIPPED)
def test_the_claims_of_the_manifest_hold(name: str) -> None:
    network, kind = name.split("-")
    claims = shipped_bias().read()[name].claims
    model = load_bias_checkpoint(network, kind)
    now, complaints = BIAS.measure_again(model, claims)
    assert complaints == []
    assert claims.recipe == BIAS.recipe_of(network)
    assert now.accuracies["validation"] >= 0.86
    # Counted independently of the code that made the claims.
    test = load_counter_stereotypes()
    with torch.no_grad():
        told_rightly = model(test.images).argmax(1) == test.classes
    right = int(told_rightly.sum())
    assert right / 400 == pytest.approx(claims.measured.accuracies["counter-stereotypes"], abs=0.01)
    assert right / 400 <= 0.56 if kind == "biased" else right / 400 > 0.81
    for label in (0, 1):
        of_class = int(told_rightly[test.classes == label].sum()) / 200
        assert now.accuracies[f"counter-stereotypes (class {label})"] == pytest.approx(of_class, abs=0.01)


def test_verify_names_a_claim_that_does_not_hold_and_a_network_that_is_missing(tmp_path: Path) -> None:
    networks = replace(shipped_bias(), folder=Path(shutil.copytree(shipped_bias().folder, tmp_path / "bias")))
    manifest = json.loads(networks.manifest.read_text())
    del manifest["checkpoints"]["vgg11-balanced"], manifest["checkpoints"]["vgg11-biased"]
    manifest["checkpoints"]["alexnet-biased"]["accuracies"]["validation"] = 0.5
    networks.manifest.write_text(json.dumps(manifest))
    verified = networks.verify(Choice())
    found = {checked.name: checked.complaints for checked in islice(verified, 4)}
    assert found["alexnet-balanced"] == []
    (complaint,) = found["alexnet-biased"]
    assert re.fullmatch(r"validation accuracy is 0\.8\d+, not 0\.5 as claimed", complaint)
    with pytest.raises(CheckpointError, match=r"lists no vgg11-biased, vgg11-balanced.*--preset bias"):
        next(verified)


def test_a_network_loads_in_evaluation_mode_and_a_scenario_has_both() -> None:
    scenario = shipped_scenario("vgg11", 212)
    for model in (scenario.biased_model, scenario.balanced_model):
        assert not any(module.training for module in model.modules())
        assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}
        assert model(scenario.batch.images).shape == (212, 2)
    assert scenario.batch.targets is None


def test_more_images_than_there_are_counter_stereotypes_are_not_looked_at() -> None:
    assert len(shipped_scenario("alexnet", 1000).batch) == 400


def test_unknown_and_damaged_networks_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"unknown kind of data 'bias'.*did you mean 'biased'"):
        load_bias_checkpoint("alexnet", "bias")
    with pytest.raises(ValueError, match="unknown model 'resnet18'"):
        load_bias_checkpoint("resnet18", "biased")
    monkeypatch.setattr(bias, "FOLDER", Path(shutil.copytree(bias.FOLDER, tmp_path / "bias")))
    file = bias.FOLDER / "alexnet-biased.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    for problem in ("is damaged", "can't be read"):
        with pytest.raises(CheckpointError, match=f"{problem}.*checkpoints train --preset bias"):
            load_bias_checkpoint("alexnet", "biased")
        file.unlink(missing_ok=True)


# Training


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(biased_digits, "IMAGES_PER_CLASS", 16)
    monkeypatch.setattr(biased_digits, "VALIDATION_PER_CLASS", 10)


@pytest.mark.usefixtures("few_images")
def test_training_depends_on_its_arguments_alone_and_leaves_the_stream_as_found() -> None:
    quick = with_recipe(BIAS, width=0.01, target=0.0)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = (trained(replace(quick, seed=seed), kind="biased").kept() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert bytes_of(first) == bytes_of(again) != bytes_of(other)
    shapes = [tensor.shape for tensor in build_model("alexnet", 0.01, 2).state_dict().values()]
    assert [tensor.shape for tensor in first.state_dict().values()] == shapes


@pytest.mark.usefixtures("few_images")
def test_a_training_is_judged_by_other_images_than_those_that_it_learns() -> None:
    data = BIAS.load("biased", 1)
    assert (len(data.learned), len(data.judged_by)) == (32, 20)
    learned = {image.numpy().tobytes() for image in data.learned.images}
    assert learned.isdisjoint(image.numpy().tobytes() for image in data.judged_by.images)
    training = Training("alexnet", data, with_recipe(BIAS, width=0.01).recipe, 1)
    reached = training.epoch()
    with torch.no_grad():
        right = training.kept()(data.judged_by.images).argmax(1) == data.judged_by.targets
    assert reached.accuracy == float(right.double().mean())


@pytest.mark.usefixtures("few_images")
def test_a_network_that_does_not_learn_is_an_error() -> None:
    with pytest.raises(
        CheckpointError, match=r"alexnet reached only .* of the balanced validation data after 1 epochs"
    ):
        trained(with_recipe(BIAS, width=0.01, target=1.0, most_epochs=1), kind="balanced")
