"""Networks in a folder with a manifest: what happens to damaged files, and how they are written."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from support.trainings import TINY, bytes_of, trained
from torch import nn

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets.embedded.bias import shipped_bias
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS, shipped_digits
from pytest_saliency_sanity.networks.storage.collection import Choice
from pytest_saliency_sanity.networks.storage.shipped import ShippedNetworks
from pytest_saliency_sanity.networks.training.claims import Claims

SHIPPED = ["alexnet-random", "alexnet-true", "vgg11-random", "vgg11-true"]
REBUILD = "python -m pytest_saliency_sanity checkpoints train --preset embedded"


@pytest.fixture
def networks(tmp_path: Path) -> ShippedNetworks:
    """A copy of the shipped networks, to be damaged."""
    return ShippedNetworks(DIGITS, Path(shutil.copytree(shipped_digits().folder, tmp_path / "embedded")))


@pytest.fixture(scope="module")
def small() -> tuple[nn.Module, Claims]:
    """A network that was trained for an epoch, and its claims."""
    training = trained()
    return training.kept(), TINY.claims_of(training, "random")


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def assert_says_what_to_do(error: pytest.ExceptionInfo[CheckpointError], file: Path) -> None:
    assert str(file) in str(error.value)
    assert REBUILD in str(error.value)


def damage(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


# Damage


def test_the_copy_loads_as_long_as_it_is_whole(networks: ShippedNetworks) -> None:
    assert bytes_of(networks.load("vgg11", "true")) == bytes_of(shipped_digits().load("vgg11", "true"))


@pytest.mark.parametrize("at", [0, 500_000, -1])
def test_one_wrong_bit_is_an_error_that_names_the_file(networks: ShippedNetworks, at: int) -> None:
    file = networks.folder / "vgg11-true.safetensors"
    damage(file, at)
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256") as caught:
        networks.load("vgg11", "true")
    assert_says_what_to_do(caught, file)
    assert networks.load("vgg11", "random")


def test_a_file_cut_short_is_an_error_that_names_it(networks: ShippedNetworks) -> None:
    file = networks.folder / "vgg11-true.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        networks.load("vgg11", "true")
    assert_says_what_to_do(caught, file)


def test_a_missing_file_is_an_error_that_names_it(networks: ShippedNetworks) -> None:
    file = networks.folder / "vgg11-true.safetensors"
    file.unlink()
    with pytest.raises(CheckpointError, match=r"can't be read \(No such file") as caught:
        networks.load("vgg11", "true")
    assert_says_what_to_do(caught, file)


def test_a_missing_manifest_is_an_error_that_names_it(networks: ShippedNetworks) -> None:
    networks.manifest.unlink()
    with pytest.raises(CheckpointError, match=r"can't be read \(No such file") as caught:
        networks.read()
    assert_says_what_to_do(caught, networks.manifest)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1,', b"\xff\xfe\x00", b"<html>"])
def test_a_manifest_that_is_not_json_is_an_error_that_names_it(networks: ShippedNetworks, content: bytes) -> None:
    networks.manifest.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        networks.read()
    assert_says_what_to_do(caught, networks.manifest)


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '{"format": 2}', '{"checkpoints": {}}', '{"format": 2, "checkpoints": {"vgg11-true": {}}}'],
)
def test_a_manifest_without_the_claims_is_an_error_that_names_it(networks: ShippedNetworks, content: str) -> None:
    networks.manifest.write_text(content)
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        list(networks.verify(Choice()))
    assert_says_what_to_do(caught, networks.manifest)


def test_a_manifest_of_another_format_is_an_error_that_says_so(networks: ShippedNetworks) -> None:
    facts = json.loads(networks.manifest.read_text())
    networks.manifest.write_text(json.dumps({**facts, "format": 1}))
    with pytest.raises(CheckpointError, match="its format is 1, not 2") as caught:
        networks.read()
    assert_says_what_to_do(caught, networks.manifest)


def test_a_network_that_the_manifest_does_not_list_is_an_error(networks: ShippedNetworks) -> None:
    facts = json.loads(networks.manifest.read_text())
    del facts["checkpoints"]["vgg11-random"]
    networks.manifest.write_text(json.dumps(facts))
    with pytest.raises(CheckpointError, match=r"manifest\.json lists no vgg11-random.*Rebuild") as caught:
        networks.load("vgg11", "random")
    assert_says_what_to_do(caught, networks.manifest)


def test_advice_is_to_rebuild_the_family_that_is_damaged(tmp_path: Path) -> None:
    networks = replace(shipped_bias(), folder=tmp_path)
    with pytest.raises(CheckpointError, match=r"checkpoints train --preset bias$"):
        networks.read()


# Writing


def test_a_saved_network_is_loaded_with_the_same_weights(tmp_path: Path, small: tuple[nn.Module, Claims]) -> None:
    networks = ShippedNetworks(TINY, tmp_path / "new")
    written = networks.save(*small)
    assert networks.read() == {"alexnet-random": written}
    assert written.claims == small[1]
    assert bytes_of(networks.load("alexnet", "random")) == bytes_of(small[0])
    assert names_in(networks.folder) == {"manifest.json", "alexnet-random.safetensors"}


def test_saving_one_network_keeps_the_others(networks: ShippedNetworks, small: tuple[nn.Module, Claims]) -> None:
    before = networks.read()
    networks.save(*small)
    after = networks.read()
    assert list(after) == SHIPPED
    assert [name for name in SHIPPED if after[name] != before[name]] == ["alexnet-random"]


def test_a_damaged_manifest_is_written_anew(networks: ShippedNetworks, small: tuple[nn.Module, Claims]) -> None:
    networks.manifest.write_text("{")
    networks.save(*small)
    assert list(networks.read()) == ["alexnet-random"]


def test_an_interrupted_save_leaves_a_folder_that_is_whole(
    networks: ShippedNetworks, small: tuple[nn.Module, Claims], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = names_in(networks.folder)
    rename = os.replace

    def only_weights(source: str, target: Path) -> None:
        if target.name == "manifest.json":
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "replace", only_weights)
    with pytest.raises(KeyboardInterrupt):
        networks.save(*small)
    monkeypatch.undo()
    assert names_in(networks.folder) == before
    # The manifest still has the hash of the old weights, so the mixture is noticed.
    with pytest.raises(CheckpointError, match="damaged"):
        networks.load("alexnet", "random")
    assert networks.load("vgg11", "random")
