"""python -m pytest_saliency_sanity checkpoints list | train | verify | clear."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.faults import make_read_only
from support.trainings import NARROW, TINY, TrainingProcess, entry_in, with_recipe

from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.networks import commands
from pytest_saliency_sanity.networks.presets.embedded import bias, digits
from pytest_saliency_sanity.networks.presets.paper import recipes
from pytest_saliency_sanity.networks.storage.cached import train_entry
from pytest_saliency_sanity.networks.storage.collection import Choice
from pytest_saliency_sanity.networks.storage.record import write_record
from pytest_saliency_sanity.networks.storage.shipped import ShippedNetworks
from pytest_saliency_sanity.networks.training.training import Training

Told = pytest.CaptureFixture[str]
REBUILD = "python -m pytest_saliency_sanity checkpoints train --preset embedded"


def names_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped digits' folder, to be damaged, that the command looks at in place of the package's own."""
    folder = Path(shutil.copytree(digits.FOLDER, tmp_path / "embedded"))
    monkeypatch.setattr(digits, "FOLDER", folder)
    return folder


# What is shipped


@pytest.mark.slow
def test_verify_measures_every_claim_and_succeeds(capsys: Told) -> None:
    assert main(["checkpoints", "verify"]) == 0
    out, err = capsys.readouterr()
    for name, shipped in digits.shipped_digits().read().items():
        reached = shipped.claims.measured.accuracies
        assert f"{name:16} training {reached['training']:.3f}  held-out {reached['held-out']:.3f}" in out
    for name, shipped in bias.shipped_bias().read().items():
        assert f"{name:16} validation {shipped.claims.measured.accuracies['validation']:.3f}  counter-stereot" in out
    assert out.endswith("every claim holds\n")
    assert err == ""


def test_verify_of_one_network_measures_that_alone(capsys: Told) -> None:
    assert main(["checkpoints", "verify", "--preset=bias", "--network=alexnet", "--labels=biased"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == ["alexnet-random", "alexnet-true", "alexnet-biased"]


def test_verify_fails_on_a_damaged_file_and_on_claims_that_do_not_hold_and_names_each(
    folder: Path, capsys: Told
) -> None:
    file = folder / "vgg11-true.safetensors"
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    checkpoints = manifest["checkpoints"]
    checkpoints["alexnet-random"]["parameters"] = 1
    checkpoints["alexnet-true"]["accuracies"]["held-out"] = 0.9
    checkpoints["vgg11-random"]["accuracies"]["training"] = 0.5
    checkpoints["alexnet-true"]["labels"] = "random"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert main(["checkpoints", "verify", "--preset", "embedded"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(rf"^vgg11-true +not measured\n  wrong: {re.escape(str(file))} is damaged", out, re.MULTILINE)
    assert REBUILD in out
    assert "every claim holds" not in out
    for name, complaint in [
        ("alexnet-random", "it has 1015711 parameters, not 1 as claimed"),
        ("alexnet-true", r"held-out accuracy is 0\.8\d+, not 0\.9 as claimed"),
        ("alexnet-true", "held-out accuracy is outside of chance"),
        ("vgg11-random", r"training accuracy is [01]\.\d+, not 0\.5 as claimed"),
    ]:
        assert re.search(rf"^{name} .*\n(  wrong: .*\n)*  wrong: {complaint}", out, re.MULTILINE)
    assert "do not hold" in out


def test_verify_fails_if_the_manifest_lists_fewer_networks_than_are_shipped(folder: Path, capsys: Told) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["checkpoints"] = {"alexnet-true": manifest["checkpoints"]["alexnet-true"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert main(["checkpoints", "verify"]) == 1
    assert "lists no alexnet-random, vgg11-true, vgg11-random" in capsys.readouterr().err


def test_train_writes_every_network_and_complains_of_what_is_not_good_enough(
    tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits, "DIGITS", TINY)
    assert main(["checkpoints", "train", "--output", str(tmp_path)]) == 1  # an epoch memorises nothing
    assert names_in(tmp_path) == names_in(digits.FOLDER)
    out = capsys.readouterr().out
    assert out.count("wrong: training accuracy is below 95%") == 4
    networks = ShippedNetworks(TINY, tmp_path)
    for checked in networks.verify(Choice()):
        claims = networks.read()[checked.name].claims
        assert claims.measured == checked.measured
        assert claims.recipe == TINY.recipe


def test_train_of_the_bias_scenario_writes_and_complains(
    tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bias, "BIAS", with_recipe(bias.BIAS, width=0.01, target=0.0))
    arguments = ["--preset=bias", "--network=alexnet", f"--output={tmp_path}"]
    assert main(["checkpoints", "train", *arguments]) == 1
    assert capsys.readouterr().out.count("it is not balanced") == 1  # an epoch of five channels teaches nothing
    assert names_in(tmp_path) == {"manifest.json", "alexnet-biased.safetensors", "alexnet-balanced.safetensors"}
    for shipped in ShippedNetworks(bias.BIAS, tmp_path).read().values():
        assert (shipped.claims.epochs, shipped.claims.recipe.width) == (1, 0.01)


def test_an_interrupted_training_says_what_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Told
) -> None:
    def interrupted(training: Training) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Training, "epoch", interrupted)
    assert main(["checkpoints", "train", "--output", str(tmp_path)]) == 130
    assert "nothing is half-written; run the same command to continue" in capsys.readouterr().err
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["checkpoints"],
        ["checkpoints", "verify", "--preset", "papers"],
        ["checkpoints", "clear", "--preset", "embedded"],
        ["checkpoints", "verify", "--network", "resnet18"],
        ["checkpoint", "verify"],
    ],
)
def test_a_command_that_does_not_exist_is_a_usage_error(arguments: list[str], capsys: Told) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: python -m pytest_saliency_sanity" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "labels"), [("verify", "biased"), ("train", "rand")])
def test_labels_that_a_preset_does_not_have_are_a_usage_error(
    command: str, labels: str, tmp_path: Path, capsys: Told
) -> None:
    options = [f"--output={tmp_path}"] if command == "train" else []
    with pytest.raises(SystemExit) as caught:
        main(["checkpoints", command, "--preset=embedded", f"--labels={labels}", *options])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert f"unknown labels '{labels}'" in err
    assert "allowed: true, random" in err


def test_every_command_of_the_help_exists() -> None:
    from pytest_saliency_sanity.__main__ import COMMANDS

    assert all(callable(getattr(commands, f"{name}_checkpoints")) for name in COMMANDS)


# What is trained on first use


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "FAMILY", with_recipe(NARROW, least_epochs=1))


@pytest.mark.usefixtures("narrow")
def test_the_commands_from_nothing_to_nothing(tmp_path: Path, capsys: Told) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        status = main(["checkpoints", *arguments, "--cache-dir", str(tmp_path)])
        return status, capsys.readouterr().out

    status, out = run("list")
    assert status == 0
    assert out.count("not trained yet") == 4
    assert f"paper, in {tmp_path}\n" in out
    assert out.startswith(f"embedded, in {digits.FOLDER}\nalexnet-random   training 0.990  held-out 0.066")
    assert f"bias, in {bias.FOLDER}\n" in out
    status, out = run("train", "--preset", "paper", "--network", "vgg11", "--labels", "random")
    assert status == 1  # one epoch memorises nothing
    assert out.startswith("vgg11-random     training 0.")
    assert "wrong: training accuracy is below 95%" in out
    assert run("list")[1].count("not trained yet") == 3
    status, out = run("verify", "--preset", "paper", "--network", "vgg11", "--labels", "random")
    assert status == 1
    assert out.endswith("1 claims do not hold or can't be measured\n")
    (tmp_path / "alexnet-true-0123456789.safetensors").touch()
    assert "alexnet-true-0123456789.safetensors: of another version, not used" in run("list")[1]
    status, out = run("clear")
    assert (status, out.count("deleted")) == (0, 2)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.usefixtures("narrow")
def test_verify_of_what_is_not_trained_says_so(tmp_path: Path, capsys: Told) -> None:
    assert main(["checkpoints", "verify", "--preset", "paper", "--cache-dir", str(tmp_path)]) == 1
    told = "is missing: train it with python -m pytest_saliency_sanity checkpoints train --preset paper"
    assert capsys.readouterr().out.count(told) == 4


def test_a_device_that_is_not_there_is_a_usage_error(tmp_path: Path, capsys: Told) -> None:
    with pytest.raises(SystemExit):
        main(["checkpoints", "train", "--preset", "paper", "--device", "cuda:99", "--cache-dir", str(tmp_path)])
    assert "no device 'cuda:99'" in capsys.readouterr().err


def test_clear_says_what_it_leaves_because_it_is_being_trained(tmp_path: Path, capsys: Told) -> None:
    (cache := tmp_path / "cache").mkdir()
    process = TrainingProcess(cache, most_epochs=1000)
    try:
        while not list(cache.glob("*.training.safetensors")):
            assert process.process.is_alive()
        assert main(["checkpoints", "clear", "--cache-dir", str(cache)]) == 1
    finally:
        process.process.kill()
        process.end()
    assert "it is being trained" in capsys.readouterr().out


@pytest.mark.parametrize(("preset", "allowed"), [("paper", "alexnet, vgg11"), ("scenes", "resnet")])
def test_a_network_that_a_preset_does_not_have_is_an_error_that_lists_its_own(
    preset: str, allowed: str, tmp_path: Path, capsys: Told
) -> None:
    other = "resnet" if preset == "paper" else "vgg11"
    with pytest.raises(SystemExit) as ended:
        main(["checkpoints", "train", "--preset", preset, "--network", other, "--cache-dir", str(tmp_path)])
    assert ended.value.code == 2
    assert re.search(rf"unknown network of {preset} '{other}'.*; allowed: {allowed}\n", capsys.readouterr().err)


def test_verify_of_a_network_skips_the_families_that_do_not_have_it(capsys: Told) -> None:
    assert main(["checkpoints", "verify", "--network=resnet"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [
        "resnet-random",
        "resnet-true",
        "resnet-balanced",
        "resnet-biased",
    ]


# Faults in the cache


@pytest.fixture
def cache(tmp_path: Path, narrow: None) -> Path:
    """A cache folder with two networks, of which the first is damaged."""
    (folder := tmp_path / "cache").mkdir()
    for name in ("alexnet", "vgg11"):
        train_entry(replace(entry_in(folder, recipes.FAMILY), network=name))
    entry_in(folder, recipes.FAMILY).finished.write_bytes(b"damaged")
    return folder


def test_list_tells_of_a_damaged_network_and_goes_on(cache: Path, capsys: Told) -> None:
    damaged = entry_in(cache, recipes.FAMILY).finished
    assert main(["checkpoints", "list", "--cache-dir", str(cache)]) == 1
    out, err = capsys.readouterr()
    of_the_paper = out.partition(f"paper, in {cache}\n")[2]
    assert re.search(rf"^alexnet-random   not measured\n  wrong: {damaged} is damaged", of_the_paper, re.M)
    assert "alexnet-true     not trained yet\n" in of_the_paper
    assert re.search(r"^vgg11-random     training 0\.\d+", of_the_paper, re.M)
    assert err == ""


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("facts", [{}, {"history": 3, "seconds": 1.0}, {"history": [[1.0, 0.1, 0.1]]}])
def test_list_tells_of_a_save_that_says_nothing(facts: dict[str, Any], tmp_path: Path, capsys: Told) -> None:
    entry = entry_in(tmp_path, recipes.FAMILY)
    write_record(entry.unfinished, {"weight": torch.zeros(2)}, facts)
    assert main(["checkpoints", "list", "--cache-dir", str(tmp_path)]) == 1
    assert f"wrong: {entry.unfinished} is damaged: how far it came can't be read" in capsys.readouterr().out


def test_list_tells_of_a_damaged_manifest_and_goes_on(folder: Path, tmp_path: Path, capsys: Told) -> None:
    (folder / "manifest.json").write_text("{")
    assert main(["checkpoints", "list", "--cache-dir", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"embedded, in {folder}\n  wrong: {folder / 'manifest.json'} is damaged")
    assert f"bias, in {bias.FOLDER}\nalexnet-balanced" in out


@pytest.mark.usefixtures("narrow")
def test_list_without_a_home_tells_so_and_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: Told) -> None:
    monkeypatch.setenv("SALIENCY_SANITY_CACHE_DIR", "~nobody-has-this-name/cache")
    assert main(["checkpoints", "list"]) == 1
    out = capsys.readouterr().out
    assert "wrong: ~nobody-has-this-name/cache is in a home folder, and there is none: name another" in out
    assert f"bias, in {bias.FOLDER}\nalexnet-balanced" in out


def test_verify_tells_of_a_damaged_network_and_goes_on(cache: Path, capsys: Told) -> None:
    damaged = entry_in(cache, recipes.FAMILY).finished
    assert main(["checkpoints", "verify", "--preset=paper", "--labels=random", "--cache-dir", str(cache)]) == 1
    out, err = capsys.readouterr()
    assert f"alexnet-random   not measured\n  wrong: {damaged} is damaged" in out
    assert "Delete it: it is then trained again\n" in out
    assert re.search(r"^vgg11-random     training 0\.\d+", out, re.M)
    assert err == ""


def test_clear_deletes_a_damaged_network_too(cache: Path, capsys: Told) -> None:
    damaged = entry_in(cache, recipes.FAMILY).finished
    assert main(["checkpoints", "clear", "--cache-dir", str(cache)]) == 0
    assert f"deleted {damaged}\n" in capsys.readouterr().out
    assert not list(cache.glob("*.safetensors"))


def test_clear_on_a_disk_that_is_read_only_says_so(cache: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        make_read_only(patch)
        assert main(["checkpoints", "clear", "--cache-dir", str(cache)]) == 1
    out, err = capsys.readouterr()
    files = sorted(cache.glob("*.safetensors"))
    assert out.splitlines() == [f"kept {file}: it can't be deleted (Read-only file system)" for file in files]
    assert len(files) == 2
    assert err == ""


def test_clear_of_a_file_in_place_of_the_cache_is_an_error(tmp_path: Path, capsys: Told) -> None:
    (tmp_path / "file").touch()
    assert main(["checkpoints", "clear", "--cache-dir", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err == f"error: {tmp_path / 'file'} can't be read (Not a directory)\n"
