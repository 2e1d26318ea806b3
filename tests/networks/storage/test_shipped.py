"""The shipped checkpoints: what the manifest claims, what happens to damaged files, and how they are made."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from pytest_saliency_sanity import load_batch, load_checkpoint
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.data.mnist import load_training
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets import embedded as embedded_preset
from pytest_saliency_sanity.networks.presets.embedded import train_embedded, verify_embedded
from pytest_saliency_sanity.networks.storage import store
from pytest_saliency_sanity.networks.storage.bias import BIAS
from pytest_saliency_sanity.networks.storage.files import write_whole
from pytest_saliency_sanity.networks.storage.store import EMBEDDED, load_weights, read_manifest, save_checkpoint
from pytest_saliency_sanity.networks.training.claims import chance_range, claims_of, complaints, measured, training_data
from pytest_saliency_sanity.networks.training.memorize import memorize, random_labels
from pytest_saliency_sanity.networks.training.recipes import Recipe

SHIPPED = ["alexnet-random", "alexnet-true", "vgg11-random", "vgg11-true"]
REBUILD = "python -m pytest_saliency_sanity checkpoints train --preset embedded"
TINY = Recipe(width=0.05, target=0.0, least_epochs=1, most_epochs=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped folder, to be damaged."""
    return Path(shutil.copytree(EMBEDDED, tmp_path / "embedded"))


def weights_of(model: nn.Module) -> list[bytes]:
    return [tensor.numpy().tobytes() for tensor in model.state_dict().values()]


def trained(network: str = "alexnet", seed: int = 1, recipe: Recipe = TINY) -> nn.Module:
    return memorize(network, training_data("random", 1), recipe, seed, lambda *_: None)[0]


def claims_about(model: nn.Module) -> dict[str, Any]:
    return claims_of(model, "alexnet", "random", TINY, 1, 1)


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


# What is shipped


def test_the_manifest_lists_the_four_networks() -> None:
    assert list(read_manifest()["checkpoints"]) == SHIPPED
    assert names_in(EMBEDDED) == {"manifest.json", *(f"{name}.safetensors" for name in SHIPPED)}


@pytest.mark.parametrize("name", SHIPPED)
def test_the_claims_of_the_manifest_hold(name: str) -> None:
    network, labels = name.split("-")
    claims = read_manifest()["checkpoints"][name]
    now = measured(load_checkpoint(network, labels), labels, claims["seed"])
    assert now["parameters"] == claims["parameters"]
    assert now["training_accuracy"] == pytest.approx(claims["training_accuracy"], abs=0.01)
    assert now["held_out_accuracy"] == pytest.approx(claims["held_out_accuracy"], abs=0.01)
    assert now["training_accuracy"] >= 0.95
    low, high = now["chance_range"]
    if labels == "true":
        assert now["held_out_accuracy"] >= 0.80
        assert now["held_out_accuracy"] > high
    else:
        assert low <= now["held_out_accuracy"] <= high
        assert high < 0.25
    assert complaints(claims, now) == []


def test_the_accuracies_are_counted_here_as_well() -> None:
    # Independently of the code that made the claims.
    held_out = load_batch("mnist", 1000)
    for network in ("alexnet", "vgg11"):
        with torch.no_grad():
            predicted = load_checkpoint(network)(held_out.images).argmax(1)
        claimed = read_manifest()["checkpoints"][f"{network}-true"]
        right = sum(int(a == b) for a, b in zip(predicted, held_out.targets, strict=True))
        assert right / 1000 == pytest.approx(claimed["held_out_accuracy"], abs=0.01)


def test_the_files_are_at_most_10_mb() -> None:
    assert sum(file.stat().st_size for file in EMBEDDED.iterdir()) <= 10_000_000


def test_no_held_out_digit_was_trained_on() -> None:
    training = {image.numpy().tobytes() for image in load_training().images}
    held_out = {image.numpy().tobytes() for image in load_batch("mnist", 1000).images}
    assert (len(training), len(held_out)) == (200, 1000)
    assert training.isdisjoint(held_out)


def test_random_labels_are_the_true_ones_in_another_order() -> None:
    labels = torch.arange(10).repeat(20)
    shuffled = random_labels(labels, 1)
    assert torch.equal(shuffled.sort().values, labels.sort().values)
    assert 0.03 < float((shuffled == labels).double().mean()) < 0.2
    assert torch.equal(shuffled, random_labels(labels, 1))
    assert not torch.equal(shuffled, random_labels(labels, 2))


def test_chance_is_wider_for_classes_that_are_predicted_alike() -> None:
    labels = torch.arange(10).repeat(100)
    guessed = torch.randint(10, (1000,), generator=torch.Generator().manual_seed(0))
    low, high = chance_range(guessed, labels)
    assert 0.05 < low < 0.1 < high < 0.15
    low, high = chance_range(labels, labels)  # right or wrong by whole classes
    assert low == 0
    assert high >= 0.4


# Loading


@pytest.mark.parametrize("name", SHIPPED)
def test_a_checkpoint_is_in_evaluation_mode_on_the_cpu_in_float32(name: str) -> None:
    model = load_checkpoint(*name.split("-"))
    assert not any(module.training for module in model.modules())
    assert {(tensor.dtype, tensor.device.type) for tensor in model.state_dict().values()} == {(torch.float32, "cpu")}
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 10)


def test_every_call_gives_a_network_of_its_own() -> None:
    first, second = load_checkpoint("alexnet"), load_checkpoint("alexnet")
    with torch.no_grad():
        first.classifier[6].bias.fill_(7)
    assert not (second.classifier[6].bias == 7).any()


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
        (("resnet",), r"unknown model 'resnet'.*allowed: alexnet, vgg11"),
        (("alexnet", "rand"), r"unknown labels 'rand'.*did you mean 'random'"),
        (("alexnet", "true", "papers"), r"unknown preset 'papers'.*did you mean 'paper'.*allowed: embedded, paper"),
        (("alexnet", "true", "imagenet"), r"unknown preset 'imagenet'.*allowed: embedded, paper"),
    ],
)
def test_an_unknown_name_is_an_error_that_lists_what_there_is(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load_checkpoint(*arguments)


# Damage


def assert_says_what_to_do(error: pytest.ExceptionInfo[CheckpointError], file: Path) -> None:
    assert str(file) in str(error.value)
    assert REBUILD in str(error.value)


def load_from(folder: Path, name: str = "vgg11-true") -> nn.Module:
    claims = read_manifest(folder)["checkpoints"][name]
    return load_weights(folder / claims["file"], claims)


def test_the_copy_loads_as_long_as_it_is_whole(folder: Path) -> None:
    assert weights_of(load_from(folder)) == weights_of(load_checkpoint("vgg11"))


def damage(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("at", [0, 500_000, -1])
def test_one_wrong_bit_is_an_error_that_names_the_file(folder: Path, at: int) -> None:
    file = folder / "vgg11-true.safetensors"
    damage(file, at)
    with pytest.raises(CheckpointError, match="is damaged: its SHA-256") as caught:
        load_from(folder)
    assert_says_what_to_do(caught, file)
    assert load_from(folder, "vgg11-random")


def test_a_file_cut_short_is_an_error_that_names_it(folder: Path) -> None:
    file = folder / "vgg11-true.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        load_from(folder)
    assert_says_what_to_do(caught, file)


def test_a_missing_file_is_an_error_that_names_it(folder: Path) -> None:
    file = folder / "vgg11-true.safetensors"
    file.unlink()
    with pytest.raises(CheckpointError, match=r"can't be read \(No such file") as caught:
        load_from(folder)
    assert_says_what_to_do(caught, file)


def test_a_missing_manifest_is_an_error_that_names_it(folder: Path) -> None:
    file = folder / "manifest.json"
    file.unlink()
    with pytest.raises(CheckpointError, match=r"can't be read \(No such file") as caught:
        read_manifest(folder)
    assert_says_what_to_do(caught, file)


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1,', b"\xff\xfe\x00", b"<html>"])
def test_a_manifest_that_is_no_json_is_an_error_that_names_it(folder: Path, content: bytes) -> None:
    file = folder / "manifest.json"
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        read_manifest(folder)
    assert_says_what_to_do(caught, file)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": 1}', '{"checkpoints": {"vgg11-true": {}}}'])
def test_a_manifest_without_the_claims_is_an_error_that_names_it(folder: Path, content: str) -> None:
    file = folder / "manifest.json"
    file.write_text(content)
    with pytest.raises(CheckpointError) as caught:
        list(verify_embedded(folder))
    assert_says_what_to_do(caught, file)


def test_load_checkpoint_verifies_what_it_loads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(folder / "alexnet-true.safetensors", 1000)
    monkeypatch.setattr(store, "EMBEDDED", folder)
    with pytest.raises(CheckpointError, match="damaged") as caught:
        load_checkpoint("alexnet")
    assert_says_what_to_do(caught, folder / "alexnet-true.safetensors")


def test_a_checkpoint_that_the_manifest_does_not_list_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = read_manifest(folder)
    del claims["checkpoints"]["vgg11-random"]
    monkeypatch.setattr(store, "read_manifest", lambda: claims)
    with pytest.raises(CheckpointError, match=r"manifest\.json lists no vgg11-random.*Rebuild"):
        load_checkpoint("vgg11", labels="random")


# Training


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_training_is_reproducible_to_the_last_bit(network: str) -> None:
    torch.manual_seed(0)
    first = trained(network)
    torch.manual_seed(99)
    assert weights_of(trained(network)) == weights_of(first)
    assert weights_of(trained(network, seed=2)) != weights_of(first)


def test_training_leaves_the_random_stream_and_the_images_as_found() -> None:
    data = training_data("random", 1)
    images = data.images.clone()
    state = torch.get_rng_state()
    memorize("alexnet", data, TINY, 1, lambda *_: None)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(data.images, images)


def test_training_gives_weights_that_half_precision_holds_in_evaluation_mode() -> None:
    model = trained()
    assert all(torch.equal(tensor, tensor.half().float()) for tensor in model.state_dict().values())
    assert not model.training


def test_training_goes_on_until_the_least_epochs_and_tells_of_each() -> None:
    told = []
    recipe = Recipe(width=0.05, target=0.0, least_epochs=3, most_epochs=9)
    _, epochs = memorize("alexnet", load_training(), recipe, 1, lambda *each: told.append(each))
    assert epochs == 3
    assert [epoch for epoch, _, _ in told] == [1, 2, 3]
    assert told[-1][1] < told[0][1]  # the loss goes down


def test_a_target_that_is_not_reached_is_an_error_with_advice() -> None:
    recipe = Recipe(width=0.05, target=1.0, least_epochs=1, most_epochs=1)
    with pytest.raises(CheckpointError, match=r"alexnet reached only \d+\.\d% of the labels after 1 epochs, not 100%"):
        trained(recipe=recipe)


def test_the_random_stream_is_left_as_found_when_the_target_is_not_reached() -> None:
    state = torch.get_rng_state()
    with pytest.raises(CheckpointError):
        trained(recipe=Recipe(width=0.05, target=1.0, least_epochs=1, most_epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


# Writing


def test_a_saved_checkpoint_is_loaded_with_the_same_weights(tmp_path: Path) -> None:
    model = trained()
    claims = save_checkpoint(model, claims_about(model), tmp_path / "new")
    assert read_manifest(tmp_path / "new")["checkpoints"] == {"alexnet-random": claims}
    assert weights_of(load_from(tmp_path / "new", "alexnet-random")) == weights_of(model)
    assert names_in(tmp_path / "new") == {"manifest.json", "alexnet-random.safetensors"}


def test_saving_one_checkpoint_keeps_the_others(folder: Path) -> None:
    before = read_manifest(folder)["checkpoints"]
    model = trained()
    save_checkpoint(model, claims_about(model), folder)
    after = read_manifest(folder)["checkpoints"]
    assert list(after) == SHIPPED
    assert [name for name in SHIPPED if after[name] != before[name]] == ["alexnet-random"]


@pytest.mark.parametrize(
    ("error", "seen"), [(OSError("disk full"), CheckpointError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException]
) -> None:
    file = tmp_path / "weights"
    write_whole(file, b"old")

    def interrupted(*_: Any) -> None:
        raise error

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(seen):
        write_whole(file, b"new, and longer")
    assert file.read_bytes() == b"old"
    assert names_in(tmp_path) == {"weights"}


def test_an_interrupted_save_leaves_a_folder_that_is_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained()
    replace = os.replace

    def only_weights(source: str, target: Path) -> None:
        if target.name == "manifest.json":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", only_weights)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(model, claims_about(model), folder)
    monkeypatch.undo()
    assert names_in(folder) == names_in(EMBEDDED)
    # The manifest still has the hash of the old weights, so the mixture is noticed.
    with pytest.raises(CheckpointError, match="damaged"):
        load_from(folder, "alexnet-random")
    assert load_from(folder, "vgg11-random")


# The command line


@pytest.fixture
def verify_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the command look at another folder than the package's own."""

    def look_at(folder: Path) -> None:
        monkeypatch.setattr(embedded_preset, "verify_embedded", partial(verify_embedded, folder))

    return look_at


def test_verify_measures_every_claim_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "verify"]) == 0
    out, err = capsys.readouterr()
    for name, claims in read_manifest()["checkpoints"].items():
        assert (
            f"{name:16} training {claims['training_accuracy']:.3f}  held out {claims['held_out_accuracy']:.3f}" in out
        )
    for name, claims in read_manifest(BIAS)["checkpoints"].items():
        assert f"{name:16} validation {claims['validation_accuracy']:.3f}  counter-stereotypes " in out
    assert out.endswith("every claim holds\n")
    assert err == ""


def test_verify_fails_on_a_damaged_file_and_names_it(
    folder: Path, verify_in: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folder / "alexnet-random.safetensors", 5000)
    verify_in(folder)
    assert main(["checkpoints", "verify", "--preset", "embedded"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"error: {folder / 'alexnet-random.safetensors'} is damaged")
    assert REBUILD in err
    assert "every claim holds" not in out


def test_verify_fails_on_claims_that_do_not_hold_and_names_each(
    folder: Path, verify_in: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {
        "alexnet-random": ("parameters", 1, "parameters is 1015711, the manifest says 1"),
        "alexnet-true": ("held_out_accuracy", 0.9, r"held_out_accuracy is 0\.8\d+, the manifest says 0\.9"),
        "vgg11-random": ("training_accuracy", 0.5, r"training_accuracy is [01]\.\d+, the manifest says 0\.5"),
        "vgg11-true": ("labels", "random", "held-out accuracy is outside of chance"),
    }
    manifest = read_manifest(folder)
    for name, (claim, value, _) in wrong.items():
        manifest["checkpoints"][name][claim] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    verify_in(folder)
    assert main(["checkpoints", "verify"]) == 1
    out = capsys.readouterr().out
    for name, (_, _, complaint) in wrong.items():
        assert re.search(rf"^{name} .*\n(  wrong: .*\n)*  wrong: {complaint}", out, re.MULTILINE)
    assert "do not hold" in out


def test_verify_fails_where_the_manifest_lists_fewer_checkpoints_than_are_shipped(folder: Path, verify_in: Any) -> None:
    manifest = read_manifest(folder)
    del manifest["checkpoints"]["vgg11-random"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    verify_in(folder)
    assert main(["checkpoints", "verify"]) == 1


@pytest.fixture
def quick_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_preset, "train_embedded", partial(train_embedded, recipe=TINY))


@pytest.mark.usefixtures("quick_training")
def test_train_writes_every_checkpoint_and_complains_of_what_is_not_good_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["checkpoints", "train", "--output", str(tmp_path)]) == 1  # two epochs memorise nothing
    assert names_in(tmp_path) == names_in(EMBEDDED)
    out = capsys.readouterr().out
    assert out.count("wrong: training accuracy is below 95%") == 4
    for name, now, _ in verify_embedded(tmp_path):
        claims = read_manifest(tmp_path)["checkpoints"][name]
        assert {claim: claims[claim] for claim in now} == now
        assert claims["recipe"] == vars(TINY)


def test_an_interrupted_training_says_what_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(folder: Path) -> Iterator[dict[str, Any]]:
        raise KeyboardInterrupt
        yield {}

    monkeypatch.setattr(embedded_preset, "train_embedded", interrupted)
    assert main(["checkpoints", "train", "--output", str(tmp_path)]) == 130
    assert "nothing is half-written; the same command goes on" in capsys.readouterr().err
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["checkpoints"],
        ["checkpoints", "verify", "--preset", "papers"],
        ["checkpoints", "clear", "--preset", "embedded"],
        ["checkpoint", "verify"],
    ],
)
def test_a_command_that_does_not_exist_is_a_usage_error(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m pytest_saliency_sanity" in capsys.readouterr().err
