"""Networks that are trained on first use, kept, taken up again: narrow copies of the paper's, the same code."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.trainings import NARROW, TrainingProcess, bytes_of, entry_in, trained, with_recipe

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets.embedded.bias import BIAS
from pytest_saliency_sanity.networks.presets.embedded.digits import DIGITS
from pytest_saliency_sanity.networks.presets.paper.recipes import FAMILY
from pytest_saliency_sanity.networks.storage.cached import CachedNetworks, train_entry
from pytest_saliency_sanity.networks.storage.entry import VARIABLE, cache_folder
from pytest_saliency_sanity.networks.storage.record import read_facts, read_record, write_record
from pytest_saliency_sanity.networks.training.family import Family

ONE_EPOCH = with_recipe(NARROW, least_epochs=1)
pytestmark = pytest.mark.usefixtures("in_a_log", "one_thread")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "new" / "cache"


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, bytes]:
    """The weights of a training that nothing disturbed."""
    return bytes_of(trained(NARROW).kept())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with a network that was trained for an epoch, to be copied and damaged."""
    folder = tmp_path_factory.mktemp("trained")
    train_entry(entry_in(folder, ONE_EPOCH))
    return folder


# First use, and every use after it


def test_it_is_trained_on_first_use_and_loaded_ever_after(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(folder)
    claims = train_entry(entry)
    told = capsys.readouterr().err
    shown = re.findall(
        r"^saliency-sanity: alexnet-random, loss=[\d.]+, accuracy=[\d.]+: (\d) of 225 epochs", told, re.M
    )
    assert shown == list("123456")
    assert claims.epochs == 6
    assert len(claims.history) == 6
    written = entry.finished.stat().st_mtime_ns
    assert train_entry(entry) == claims
    assert (entry.finished.stat().st_mtime_ns, capsys.readouterr().err) == (written, "")
    model, read = entry.read()
    assert read == claims
    assert not any(module.training for module in model.modules())
    weights, _ = read_record(entry.finished)
    assert bytes_of(model) == {name: tensor.numpy().tobytes() for name, tensor in weights.items()}
    assert not entry.unfinished.exists()


def test_the_folder_is_the_given_one_or_the_environment_s_or_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert cache_folder().name == "pytest-saliency-sanity"
    monkeypatch.setenv(VARIABLE, "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
    assert cache_folder("here") == Path.cwd() / "here"


@pytest.mark.parametrize(("given", "told"), [(None, "the cache of trained networks"), ("~/cache", "~/cache")])
def test_without_a_home_a_folder_has_to_be_named(given: str | None, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(number: int) -> None:
        raise KeyError(number)

    for variable in ("HOME", "XDG_CACHE_HOME", VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(CheckpointError, match=f"^{told} is in a home folder, and there is none: .* with {VARIABLE}"):
        cache_folder(given)
    assert cache_folder("here") == Path.cwd() / "here"


def test_another_recipe_another_seed_and_other_labels_are_other_files(tmp_path: Path) -> None:
    one = entry_in(tmp_path)
    others = [
        replace(one, family=FAMILY),
        replace(one, family=replace(NARROW, seed=2)),
        replace(one, family=replace(NARROW, data="other digits")),
        replace(one, labels="true"),
        replace(one, network="vgg11"),
    ]
    assert len({each.finished for each in (one, *others)}) == 6


def test_networks_that_were_trained_by_earlier_versions_are_found_again(tmp_path: Path) -> None:
    # The keys of the first version that kept networks: whoever trained them for an hour does not do so again.
    keys = {entry.name: entry.key for entry in CachedNetworks(FAMILY, tmp_path).entries()}
    assert keys == {
        "alexnet-true": "4a193d3fbd",
        "alexnet-random": "a520bfa485",
        "vgg11-true": "81ce6a309c",
        "vgg11-random": "1bb8e11a97",
    }


def test_the_claims_of_an_earlier_version_are_read(cache: Path, kept: Path) -> None:
    entry = entry_in(cache, ONE_EPOCH)
    weights, facts = read_record(entry_in(kept, ONE_EPOCH).finished)
    claims = entry_in(kept, ONE_EPOCH).claims()
    accuracies = facts.pop("accuracies")
    del facts["classes"]
    facts |= {"training_accuracy": accuracies["training"], "held_out_accuracy": accuracies["held-out"]}
    write_record(entry.finished, weights, facts)
    assert entry.read()[1] == claims


# Interruptions


@pytest.mark.parametrize(
    "how",
    [signal.SIGKILL, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGTERM))],
    ids=lambda how: how.name,
)
def test_an_interrupted_training_ends_with_the_same_weights(
    cache: Path, how: signal.Signals, uninterrupted: dict[str, bytes]
) -> None:
    entry = entry_in(cache)
    process = TrainingProcess(cache)
    process.wait_for(entry.unfinished)  # after its first epoch
    os.kill(process.pid, how)
    assert process.end()[0] != 0
    assert not entry.finished.exists()
    assert 1 <= len(read_facts(entry.unfinished)["history"]) < 6
    status, told = TrainingProcess(cache).end()
    assert status == 0
    assert "taken up after epoch" in told
    assert bytes_of(entry.read()[0]) == uninterrupted
    assert {file.name for file in cache.iterdir()} == {entry.finished.name, entry.lock.name}


@pytest.mark.parametrize(
    ("family", "kind"),
    [(NARROW, "random"), (with_recipe(DIGITS, width=0.04), "random"), (with_recipe(BIAS, width=0.01), "balanced")],
    ids=["sgd", "adam", "bias"],
)
def test_put_down_after_any_epoch_and_taken_up_again_it_is_the_same_training(
    tmp_path: Path, family: Family, kind: str
) -> None:
    whole = family.training("alexnet", kind)
    for _ in range(3):
        whole.epoch()
    for epochs in (1, 2):
        first = family.training("alexnet", kind)
        for _ in range(epochs):
            first.epoch()
        entry = replace(entry_in(tmp_path, family), labels=kind)
        entry.put_down(first, 1.5)
        torch.manual_seed(epochs)  # the global stream has no part in it
        second = family.training("alexnet", kind)
        assert entry.take_up(second)[0] == 1.5
        for _ in range(3 - epochs):
            second.epoch()
        assert second.history == whole.history
        assert bytes_of(second.model) == bytes_of(whole.model)


def test_what_a_killed_process_left_half_written_is_taken_away(cache: Path) -> None:
    entry = entry_in(cache, ONE_EPOCH)
    left_over = cache / f".{entry.unfinished.name}.abcdef"
    left_over.write_bytes(b"half")
    train_entry(entry)
    assert not left_over.exists()


def test_two_processes_train_it_once(cache: Path, uninterrupted: dict[str, bytes]) -> None:
    both = [TrainingProcess(cache), TrainingProcess(cache)]
    ended = [process.end() for process in both]
    assert [status for status, _ in ended] == [0, 0]
    waited = [told for _, told in ended if "another process trains it; waiting" in told]
    assert len(waited) <= 1  # none if the second came when all was done
    assert sum("loss=" in told for _, told in ended) == 1
    assert bytes_of(entry_in(cache).read()[0]) == uninterrupted


@pytest.mark.slow
def test_who_waits_is_told_and_then_trains_nothing(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(cache, with_recipe(NARROW, least_epochs=40, most_epochs=40))
    process = TrainingProcess(cache, most_epochs=40)
    process.wait_for(entry.unfinished)
    claims = train_entry(entry)
    assert process.end()[0] == 0
    assert capsys.readouterr().err == "alexnet-random: another process trains it; waiting for that\n"
    assert claims.epochs == 40


def test_clear_leaves_what_is_being_trained(cache: Path) -> None:
    entry = entry_in(cache, with_recipe(NARROW, least_epochs=60, most_epochs=60))
    process = TrainingProcess(cache, most_epochs=60)
    process.wait_for(entry.unfinished)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        cleared = list(CachedNetworks(entry.family, cache).clear())
    finally:
        os.kill(process.pid, signal.SIGCONT)
        os.kill(process.pid, signal.SIGKILL)
        process.end()
    assert set(cleared) >= {(entry.unfinished, "it is being trained")}
    assert all(kept for _, kept in cleared)
    assert entry.unfinished.exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_training_is_taken_up_as_it_was_put_down(tmp_path: Path) -> None:
    whole, first, second = (NARROW.training("alexnet", "random", "cuda") for _ in range(3))
    for _ in range(3):
        whole.epoch()
    first.epoch()
    entry = entry_in(tmp_path)
    entry.put_down(first, 0.0)
    entry.take_up(second)
    second.epoch()
    second.epoch()
    assert [each.loss for each in second.history] == pytest.approx([each.loss for each in whole.history], rel=1e-3)


# Damage

Damage = Callable[[Path, int], None]


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def cut(file: Path, at: int) -> None:
    file.write_bytes(file.read_bytes()[:at])


@pytest.mark.parametrize("damage", [flip, cut])
@pytest.mark.parametrize("at", [3, 200, 60_000, -1])
def test_a_damaged_network_is_an_error_that_says_what_to_do(
    tmp_path: Path, kept: Path, damage: Damage, at: int
) -> None:
    entry = entry_in(Path(shutil.copytree(kept, tmp_path / "cache")), ONE_EPOCH)
    damage(entry.finished, at)
    with pytest.raises(CheckpointError, match=r"is damaged.*Delete it: it is then trained again") as caught:
        entry.read()
    assert str(entry.finished) in str(caught.value)


def test_claims_that_cannot_be_read_are_an_error_that_says_what_to_do(cache: Path) -> None:
    entry = entry_in(cache)
    write_record(entry.finished, {"weight": torch.zeros(2)}, {"network": "alexnet"})
    for ask in (entry.claims, entry.read, lambda: train_entry(entry)):
        with pytest.raises(CheckpointError, match=r"its claims cannot be read.*Delete it: it is then trained again"):
            ask()


@pytest.mark.parametrize("at", [3, 60_000])
def test_a_damaged_save_is_not_gone_on_from(
    cache: Path, at: int, uninterrupted: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_in(cache)
    training = NARROW.training("alexnet", "random")
    training.epoch()
    entry.put_down(training, 0.0)
    flip(entry.unfinished, at)
    train_entry(entry)
    assert "the training starts anew" in capsys.readouterr().err
    assert bytes_of(entry.read()[0]) == uninterrupted


@pytest.mark.parametrize(
    "rest", [{}, {"optimizer.0.momentum_buffer": torch.zeros(3)}, {"features.0.bias": torch.ones(1)}]
)
def test_a_save_that_does_not_fit_is_not_gone_on_from(
    cache: Path, rest: dict[str, torch.Tensor], uninterrupted: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    # Whole, and partly taken up before it turns out not to fit: that training is of no use any more.
    entry = entry_in(cache)
    other = with_recipe(NARROW, width=0.04).training("alexnet", "random")
    other.epoch()
    tensors = {name: torch.zeros_like(value) for name, value in other.model.state_dict().items()} if rest else {}
    write_record(entry.unfinished, {**tensors, **rest}, {"history": [[1.0, 0.1, 0.1]], "seconds": 1.0})
    train_entry(entry)
    assert "is damaged, or of a training on another device: the training starts anew" in capsys.readouterr().err
    assert bytes_of(entry.read()[0]) == uninterrupted


# Folders that take no file


@pytest.mark.parametrize("name", ["/proc/cache", "file/cache"])
def test_a_folder_that_cannot_be_written_to_is_an_error_before_any_training(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"can't be written to \(.*name another with SALIENCY_SANITY_CACHE_DIR"):
        train_entry(entry_in(tmp_path / name))
    assert capsys.readouterr().err == ""


def test_a_disk_without_room_is_an_error_before_any_training(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(cache, with_recipe(NARROW, width=2000.0))  # 10^14 parameters
    with pytest.raises(CheckpointError, match=r"GB free, and training alexnet-random needs \d+\.\d GB: free space"):
        train_entry(entry)
    assert capsys.readouterr().err == ""


def test_a_disk_that_fills_up_is_an_error_and_leaves_no_half_file(cache: Path) -> None:
    status, told = TrainingProcess(cache, most_bytes=100_000).end()
    assert status != 0
    assert "CheckpointError" in told
    assert "can't be written to" in told
    assert [file.suffix for file in cache.iterdir()] == [".lock"]


def test_a_target_that_is_missed_keeps_how_far_the_training_came(cache: Path) -> None:
    entry = entry_in(cache, with_recipe(NARROW, target=1.0, least_epochs=1, most_epochs=1))
    with pytest.raises(CheckpointError, match="reached only"):
        train_entry(entry)
    assert entry.claims() is None
    assert len(entry.history()) == 1
    listed = dict(CachedNetworks(entry.family, cache).listed())
    assert listed["alexnet-random"] == "unfinished, saved after epoch 1"
    assert listed["alexnet-true"] == "not trained yet"
