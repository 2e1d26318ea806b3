"""What the shipped presets give when they are open: networks, images, and what checks need."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from support.trainings import NARROW, bytes_of, with_recipe
from torch import nn

from pytest_saliency_sanity import BiasScenario, load_batch, load_checkpoint
from pytest_saliency_sanity.data import photographs
from pytest_saliency_sanity.data.scenes import Scenes, load_scenes
from pytest_saliency_sanity.networks.presets.paper import recipes
from pytest_saliency_sanity.networks.presets.registry import PRESETS, open_preset


def folder_of(path: Path, count: int) -> Path:
    path.mkdir()
    for number in range(count):
        Image.linear_gradient("L").rotate(36 * number).convert("RGB").save(path / f"{number:02}.png")
    return path


# embedded


@pytest.mark.parametrize("name", ["alexnet", "vgg11", "resnet"])
def test_the_embedded_networks_are_the_shipped_ones(name: str) -> None:
    networks = open_preset("embedded")
    network = networks.network(name)
    assert bytes_of(network) == bytes_of(load_checkpoint(name))
    assert not network.training
    memorized = networks.supply("memorized_model", name, 40)
    assert isinstance(memorized, nn.Module)
    assert bytes_of(memorized) == bytes_of(load_checkpoint(name, "random"))
    for asked_for, given in ((12, 200), (212, 212), (1000, 400)):
        scenario = networks.supply("bias_scenario", name, asked_for)
        assert isinstance(scenario, BiasScenario)
        assert len(scenario.batch) == given


@pytest.mark.parametrize("preset", ["embedded", "paper"])
def test_the_images_are_held_out_digits_for_the_class_predicted(preset: str) -> None:
    networks = open_preset(preset)
    batch = networks.batch(12)
    assert batch.targets is None
    assert torch.equal(batch.images, load_batch("mnist", 12).images)
    batch.images.zero_()
    assert networks.batch(12).images.any()
    assert len(networks.batch(2000, at_most=True)) == 1000
    with pytest.raises(ValueError, match="1 to 1000 held-out images, not 1001"):
        networks.batch(1001)


def test_the_residual_network_looks_at_scenes() -> None:
    networks = open_preset("embedded")
    batch = networks.batch(12, "resnet")
    assert batch.targets is None
    assert torch.equal(batch.images, load_scenes(12).batch.images)
    assert len(networks.batch(2000, "resnet", at_most=True)) == 1000
    assert torch.equal(networks.batch(12, "alexnet").images, networks.batch(12).images)
    for asked_for, given in ((12, 12), (2000, 1000)):
        scenes = networks.supply("scenes", "resnet", asked_for)
        assert isinstance(scenes, Scenes)
        assert len(scenes) == given
        assert scenes.batch.targets is not None


@pytest.mark.parametrize("preset", PRESETS.all())
def test_what_a_preset_does_not_have_is_none_or_an_error(preset: str) -> None:
    networks = open_preset(preset)
    assert networks.name == preset
    assert networks.supply("scenes", "alexnet", 10) is None
    for need in ("memorized_model", "bias_scenario"):
        assert networks.supply(need, "package.module:factory", 10) is None
        if need not in PRESETS.named(preset).needs:
            assert networks.supply(need, "alexnet", 10) is None
    with pytest.raises(ValueError, match=r"unknown model 'alexnett'.*did you mean 'alexnet'"):
        networks.network("alexnett")


# paper


def test_the_paper_s_networks_are_trained_when_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipes, "FAMILY", with_recipe(NARROW, least_epochs=1))
    networks = open_preset("paper", cache_dir=tmp_path)
    assert not list(tmp_path.iterdir())
    network = networks.network("alexnet", torch.device("cpu"))
    memorized = networks.supply("memorized_model", "alexnet", 40)
    assert isinstance(memorized, nn.Module)
    assert bytes_of(network) != bytes_of(memorized)
    assert {file.name.rpartition("-")[0] for file in tmp_path.glob("*.safetensors")} == {
        "alexnet-true",
        "alexnet-random",
    }


# imagenet


def test_photographs_are_read_once_and_given_as_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = folder_of(tmp_path / "images", 12)
    (data / "labels.csv").write_text("file,class\n" + "".join(f"{number:02}.png,{number}\n" for number in range(12)))
    networks = open_preset("imagenet", data=data)
    expected = photographs.load_photographs(data, 12)
    first = networks.batch(12)
    for file in data.glob("*.png"):  # whoever reads again fails
        file.write_bytes(b"")
    again, fewer = networks.batch(12), networks.batch(10, at_most=True)
    assert torch.equal(first.images, expected.images)
    assert torch.equal(again.images, expected.images)
    assert torch.equal(fewer.images, expected.images[:10])
    assert fewer.targets is not None
    assert fewer.targets.tolist() == list(range(10))
    again.images.zero_()
    assert networks.batch(12).images.any()
    with pytest.raises(ValueError, match="can't be read as an image"):
        open_preset("imagenet", data=data).batch(12)


def test_fewer_photographs_than_asked_for_will_do_only_if_that_is_said(tmp_path: Path) -> None:
    networks = open_preset("imagenet", data=folder_of(tmp_path / "images", 3))
    assert len(networks.batch(40, at_most=True)) == 3
    assert networks.batch(3).targets is None
    with pytest.raises(ValueError, match="images has 3 images: n is a whole number from 1 to that, not 4"):
        networks.batch(4)
    with pytest.raises(ValueError, match="from 1 to that, not 0"):
        networks.batch(0)


def test_without_a_folder_there_are_no_photographs() -> None:
    with pytest.raises(ValueError, match="the preset imagenet looks at photographs of yours: name a folder, --sal"):
        open_preset("imagenet").batch(10)


def test_weights_belong_to_a_network_that_the_preset_knows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown model 'alexnt'.*did you mean 'alexnet'"):
        open_preset("imagenet", weights={"alexnt": tmp_path})


def test_the_network_has_the_weights_of_the_file(tmp_path: Path) -> None:
    torchvision = pytest.importorskip("torchvision")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        original = torchvision.models.alexnet()
    torch.save(original.state_dict(), tmp_path / "alexnet.pth")
    network = open_preset("imagenet", weights={"alexnet": tmp_path / "alexnet.pth"}).network("alexnet")
    assert bytes_of(network) == bytes_of(original)
    assert not network.training
