"""load_checkpoint: trained networks by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from support.trainings import NARROW, bytes_of, entry_in, with_recipe

from pytest_saliency_sanity import load_checkpoint
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets.embedded import digits
from pytest_saliency_sanity.networks.presets.paper import recipes


@pytest.mark.parametrize("name", ["alexnet-random", "alexnet-true", "vgg11-random", "vgg11-true"])
def test_a_checkpoint_is_in_evaluation_mode_on_the_cpu_in_float32(name: str) -> None:
    model = load_checkpoint(*name.split("-"))
    assert not any(module.training for module in model.modules())
    assert {(tensor.dtype, tensor.device.type) for tensor in model.state_dict().values()} == {(torch.float32, "cpu")}
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 10)


def test_true_and_random_labels_are_different_networks() -> None:
    assert bytes_of(load_checkpoint("alexnet")) == bytes_of(load_checkpoint("alexnet", "true"))
    assert bytes_of(load_checkpoint("alexnet")) != bytes_of(load_checkpoint("alexnet", "random"))


def test_every_call_gives_a_network_of_its_own() -> None:
    first, second = load_checkpoint("alexnet"), load_checkpoint("alexnet")
    with torch.no_grad():
        first.get_parameter("classifier.6.bias").fill_(7)
    assert not (second.get_parameter("classifier.6.bias") == 7).any()


def test_loading_leaves_random_streams_threads_and_default_type_as_found() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    load_checkpoint("vgg11", labels="random")
    assert torch.equal(torch.get_rng_state(), state[0])
    assert (torch.get_num_threads(), torch.get_default_dtype()) == state[1:]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("alexnett",), r"unknown model 'alexnett'.*did you mean 'alexnet'"),
        (("resnet18",), r"unknown model 'resnet18'.*allowed: alexnet, vgg11, resnet"),
        (("resnet", "true", "paper"), r"unknown model 'resnet'.*allowed: alexnet, vgg11$"),
        (("alexnet", "rand"), r"unknown labels 'rand'.*did you mean 'random'"),
        (("alexnet", "true", "papers"), r"unknown preset 'papers'.*did you mean 'paper'.*allowed: embedded, paper"),
        (("alexnet", "true", "imagenet"), r"unknown preset 'imagenet'.*allowed: embedded, paper"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_what_there_is(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load_checkpoint(*arguments)


def test_what_is_loaded_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "FOLDER", Path(shutil.copytree(digits.FOLDER, tmp_path / "embedded")))
    file = digits.FOLDER / "alexnet-true.safetensors"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"alexnet-true\.safetensors is damaged.*train --preset embedded"):
        load_checkpoint("alexnet")


def test_the_paper_s_networks_are_trained_in_the_given_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = with_recipe(NARROW, least_epochs=1)
    monkeypatch.setattr(recipes, "FAMILY", narrow)
    model = load_checkpoint("alexnet", "random", "paper", cache_dir=tmp_path)
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 10)
    assert entry_in(tmp_path, narrow).finished.exists()
    assert load_checkpoint("alexnet", "random", "paper", cache_dir=tmp_path) is not model
    assert load_checkpoint("alexnet", cache_dir=tmp_path)  # the embedded ones have no use for it
