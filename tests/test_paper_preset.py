"""The networks of the paper: trained on first use, kept, taken up again. Narrow copies, the same code."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from pytest_saliency_sanity import build_model, load_checkpoint
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets import paper as paper_preset
from pytest_saliency_sanity.networks.presets.paper import entries, load, take_up, train
from pytest_saliency_sanity.networks.storage.cache import VARIABLE, Entry, cache_folder
from pytest_saliency_sanity.networks.storage.record import read_facts, read_record, write_record
from pytest_saliency_sanity.networks.training.claims import training_data
from pytest_saliency_sanity.networks.training.memorize import Training
from pytest_saliency_sanity.networks.training.recipes import AS_PUBLISHED, EMBEDDED, PAPER, Recipe

NARROW = replace(PAPER, width=0.04, target=0.0, least_epochs=6, most_epochs=6)
NETWORK, LABELS = "alexnet", "random"

# One process that trains, told to save after every epoch.
PROGRAM = """
import sys
from pathlib import Path
from pytest_saliency_sanity.networks.presets import paper as paper_preset
from pytest_saliency_sanity.networks.storage.cache import Entry
from pytest_saliency_sanity.networks.training.recipes import Recipe
paper_preset.SECONDS_BETWEEN_SAVES = 0.0
recipe = Recipe(**eval(sys.argv[2]))
paper_preset.train(Entry(Path(sys.argv[1]), "alexnet", "random", recipe, 1))
print("done")
"""


def entry_in(folder: Path, recipe: Recipe = NARROW) -> Entry:
    return Entry(folder, NETWORK, LABELS, recipe, paper_preset.SEED)


def training_process(folder: Path, recipe: Recipe = NARROW, limit: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", limit + PROGRAM, str(folder), repr(vars(recipe))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def bytes_of(tensors: dict[str, torch.Tensor]) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The weights of a training that nothing disturbed, in a process of its own."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    process = training_process(folder)
    assert process.communicate()[0] == "done\n"
    return bytes_of(read_record(entry_in(folder).finished)[0])


# The recipe


def test_the_recipe_is_the_papers_but_for_one_thing() -> None:
    published = vars(AS_PUBLISHED)
    assert {name for name, value in vars(PAPER).items() if value != published[name]} == {"initialization"}
    assert (PAPER.width, PAPER.optimizer, PAPER.learning_rate, PAPER.momentum) == (1.0, "sgd", 0.001, 0.9)
    assert (PAPER.batch_size, PAPER.target, paper_preset.SEED) == (16, 0.95, 1)


def test_an_epoch_is_what_a_literal_loop_makes_of_it() -> None:
    # The paper's B.1, written down once more.
    recipe = replace(NARROW, least_epochs=2)
    data = training_data(LABELS, 1)
    training = Training(NETWORK, data, recipe, 1)
    torch.manual_seed(1)
    literal = build_model(NETWORK, recipe.width)
    for module in literal.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5)
            module.bias.data.zero_()
    velocity = [torch.zeros_like(weight) for weight in literal.parameters()]
    for _ in range(2):
        right = 0
        literal.train()
        order = torch.randperm(200)
        for start in range(0, 200, 16):
            rows = order[start : start + 16]
            logits = literal(data.images[rows])
            loss = -logits.log_softmax(1)[range(len(rows)), data.targets[rows]].mean()
            gradients = torch.autograd.grad(loss, list(literal.parameters()))
            with torch.no_grad():
                for weight, moved, gradient in zip(literal.parameters(), velocity, gradients, strict=True):
                    moved.mul_(0.9).add_(gradient)
                    weight.sub_(0.001 * moved)
            right += int((logits.argmax(1) == data.targets[rows]).sum())
        reached = training.epoch()
        assert reached.seen == right / 200
    for ours, theirs in zip(training.model.parameters(), literal.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


# First use, and every use after it


def test_it_is_trained_on_first_use_and_loaded_ever_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(tmp_path / "new" / "cache")
    claims = train(entry)
    told = capsys.readouterr().err
    assert "alexnet-random" in told
    assert "loss=" in told
    assert "accuracy=" in told
    assert claims["epochs"] == 6
    assert len(claims["history"]) == 6
    written = entry.finished.stat().st_mtime_ns
    assert train(entry) == claims
    assert (entry.finished.stat().st_mtime_ns, capsys.readouterr().err) == (written, "")
    model = load(entry)
    assert not any(module.training for module in model.modules())
    assert bytes_of(dict(model.state_dict())) == bytes_of(read_record(entry.finished)[0])
    assert not entry.unfinished.exists()


def test_load_checkpoint_trains_the_paper_s_networks_in_the_given_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper_preset, "entries", partial(entries, recipe=NARROW))
    model = load_checkpoint("alexnet", "random", "paper", cache_dir=tmp_path)
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 10)
    assert entry_in(tmp_path).finished.exists()
    assert load_checkpoint("alexnet", "random", "paper", cache_dir=tmp_path) is not model


def test_the_folder_is_the_given_one_or_the_environment_s_or_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert cache_folder().name == "pytest-saliency-sanity"
    monkeypatch.setenv(VARIABLE, "~/elsewhere")
    assert cache_folder() == Path.home() / "elsewhere"
    assert cache_folder("here") == Path.cwd() / "here"


def test_another_recipe_another_seed_and_other_labels_are_other_files(tmp_path: Path) -> None:
    one = entry_in(tmp_path)
    others = [
        replace(one, recipe=PAPER),
        replace(one, seed=2),
        replace(one, labels="true"),
        replace(one, network="vgg11"),
    ]
    assert len({each.finished for each in (one, *others)}) == 5


# Interruptions


@pytest.mark.parametrize(
    "how",
    [signal.SIGKILL, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGTERM))],
    ids=lambda how: how.name,
)
def test_an_interrupted_training_ends_with_the_same_weights(
    tmp_path: Path, how: signal.Signals, uninterrupted: dict[str, bytes]
) -> None:
    entry = entry_in(tmp_path)
    process = training_process(tmp_path)
    while not entry.unfinished.exists():  # after its first epoch
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate()
    assert process.returncode != 0
    assert not entry.finished.exists()
    assert 1 <= len(read_facts(entry.unfinished)["history"]) < 6
    again = training_process(tmp_path)
    out, err = again.communicate()
    assert out == "done\n"
    assert "taken up after epoch" in err
    assert bytes_of(read_record(entry.finished)[0]) == uninterrupted
    assert {file.name for file in tmp_path.iterdir()} == {entry.finished.name, entry.lock.name}


@pytest.mark.parametrize("recipe", [NARROW, replace(EMBEDDED, width=0.04)], ids=["sgd", "adam"])
def test_put_down_after_any_epoch_and_taken_up_again_it_is_the_same_training(tmp_path: Path, recipe: Recipe) -> None:
    data = training_data(LABELS, 1)
    whole = Training(NETWORK, data, recipe, 1)
    for _ in range(4):
        whole.epoch()
    for epochs in (1, 3):
        first = Training(NETWORK, data, recipe, 1)
        for _ in range(epochs):
            first.epoch()
        entry = entry_in(tmp_path, recipe)
        paper_preset.put_down(first, entry, 1.5)
        torch.manual_seed(epochs)  # the global stream has no part in it
        second = Training(NETWORK, data, recipe, 1)
        assert take_up(second, entry)[0] == 1.5
        for _ in range(4 - epochs):
            second.epoch()
        assert second.history == whole.history
        assert bytes_of(dict(second.model.state_dict())) == bytes_of(dict(whole.model.state_dict()))


def test_what_a_killed_process_left_half_written_is_taken_away(tmp_path: Path) -> None:
    entry = entry_in(tmp_path)
    left_over = tmp_path / f".{entry.unfinished.name}.abcdef"
    left_over.write_bytes(b"half")
    train(entry)
    assert not left_over.exists()


def test_two_processes_train_it_once(tmp_path: Path, uninterrupted: dict[str, bytes]) -> None:
    both = [training_process(tmp_path), training_process(tmp_path)]
    told = [process.communicate() for process in both]
    assert [out for out, _ in told] == ["done\n", "done\n"]
    waited = [err for _, err in told if "another process trains it; waiting" in err]
    assert len(waited) <= 1  # none where the second came when all was done
    assert sum("loss=" in err for _, err in told) == 1
    assert bytes_of(read_record(entry_in(tmp_path).finished)[0]) == uninterrupted


@pytest.mark.slow
def test_who_waits_is_told_and_then_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(tmp_path, replace(NARROW, least_epochs=40, most_epochs=40))
    process = training_process(tmp_path, entry.recipe)
    while not entry.unfinished.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    claims = train(entry)
    assert process.communicate()[0] == "done\n"
    assert capsys.readouterr().err == "alexnet-random: another process trains it; waiting for that\n"
    assert claims["epochs"] == 40


# Damage

Damage = Callable[[Path, int], None]
ONE_EPOCH = replace(NARROW, least_epochs=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with a trained network, to be copied and damaged."""
    folder = tmp_path_factory.mktemp("trained")
    train(entry_in(folder, ONE_EPOCH))
    return folder


def flip(file: Path, at: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def cut(file: Path, at: int) -> None:
    file.write_bytes(file.read_bytes()[:at])


@pytest.mark.parametrize("damage", [flip, cut])
@pytest.mark.parametrize("at", [3, 200, 60_000, -1])
def test_a_damaged_network_is_an_error_that_says_what_to_do(
    tmp_path: Path, trained: Path, damage: Damage, at: int
) -> None:
    entry = entry_in(Path(shutil.copytree(trained, tmp_path / "cache")), ONE_EPOCH)
    damage(entry.finished, at)
    with pytest.raises(CheckpointError, match=r"is damaged.*Delete it: it is then trained again") as caught:
        load(entry)
    assert str(entry.finished) in str(caught.value)


@pytest.mark.parametrize("at", [3, 60_000])
def test_a_damaged_save_is_not_gone_on_from(
    tmp_path: Path, at: int, uninterrupted: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_in(tmp_path)
    training = Training(NETWORK, training_data(LABELS, 1), NARROW, 1)
    training.epoch()
    paper_preset.put_down(training, entry, 0.0)
    flip(entry.unfinished, at)
    train(entry)
    assert "the training starts anew" in capsys.readouterr().err
    assert bytes_of(read_record(entry.finished)[0]) == uninterrupted


def test_a_record_keeps_every_type_shape_and_fact(tmp_path: Path) -> None:
    tensors = {
        "half": torch.randn(2, 3).half(),
        "scalar": torch.tensor(4.0),
        "none": torch.zeros(0, 5),
        "bytes": torch.arange(7, dtype=torch.uint8),
        "turned": torch.arange(6).reshape(2, 3).T,
    }
    write_record(tmp_path / "record", tensors, {"ä": [1, None, 0.1]})
    read, facts = read_record(tmp_path / "record")
    assert facts == {"ä": [1, None, 0.1]}
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in tensors.items())


def test_a_missing_record_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nothing is missing"):
        read_record(tmp_path / "nothing")


# Folders that take no file


@pytest.mark.parametrize("folder", ["/proc/cache", "file/cache"])
def test_a_folder_that_can_t_be_written_to_is_an_error_before_any_training(
    tmp_path: Path, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"can't be written to \(.*choose another"):
        train(entry_in(tmp_path / folder))
    assert capsys.readouterr().err == ""


def test_a_disk_without_room_is_an_error_before_any_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_in(tmp_path, replace(NARROW, width=2000.0))  # 10^14 parameters
    with pytest.raises(CheckpointError, match=r"GB free, and training alexnet-random needs \d+\.\d GB: free space"):
        train(entry)
    assert capsys.readouterr().err == ""


def test_a_disk_that_fills_up_is_an_error_and_leaves_no_half_file(tmp_path: Path) -> None:
    # The system refuses any file beyond 100 kB to this process, as a full disk refuses all.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    process = training_process(tmp_path, limit=limit)
    out, err = process.communicate()
    assert out == ""
    assert "CheckpointError" in err
    assert "can't be written to" in err
    assert [file.suffix for file in tmp_path.iterdir()] == [".lock"]


# The commands


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = replace(NARROW, least_epochs=1)
    monkeypatch.setattr(paper_preset, "entries", partial(entries, recipe=recipe))


@pytest.mark.usefixtures("narrow")
def test_the_commands_from_nothing_to_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        status = main(["checkpoints", *arguments, "--cache-dir", str(tmp_path)])
        return status, capsys.readouterr().out

    status, out = run("list")
    assert status == 0
    assert out.count("not trained yet") == 4
    assert f"paper, in {tmp_path}\n" in out
    status, out = run("train", "--preset", "paper", "--network", "vgg11", "--labels", "random")
    assert status == 1  # one epoch memorises nothing
    assert out.startswith("vgg11-random     training 0.")
    assert "wrong: training accuracy is below 95%" in out
    assert run("list")[1].count("not trained yet") == 3
    status, out = run("verify", "--preset", "paper", "--network", "vgg11", "--labels", "random")
    assert status == 1
    assert out.endswith("1 claims do not hold\n")
    (tmp_path / "alexnet-true-0123456789.safetensors").touch()
    assert "alexnet-true-0123456789.safetensors: of another version, not used" in run("list")[1]
    status, out = run("clear")
    assert (status, out.count("deleted")) == (0, 2)
    assert not list(tmp_path.glob("*.safetensors"))


@pytest.mark.usefixtures("narrow")
def test_verify_of_what_is_not_trained_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checkpoints", "verify", "--preset", "paper", "--cache-dir", str(tmp_path)]) == 1
    assert "is missing: train it with python -m pytest_saliency_sanity checkpoints train" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["checkpoints", "train", "--preset", "paper", "--device", "cuda:99", "--cache-dir", str(tmp_path)])
    assert "no device 'cuda:99'" in capsys.readouterr().err


def test_clear_leaves_what_is_being_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_in(tmp_path, replace(NARROW, least_epochs=60, most_epochs=60))
    process = training_process(tmp_path, entry.recipe)
    while not entry.unfinished.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    status = main(["checkpoints", "clear", "--cache-dir", str(tmp_path)])
    process.send_signal(signal.SIGCONT)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert status == 1
    assert "it is being trained" in capsys.readouterr().out
    assert entry.unfinished.exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_training_is_taken_up_as_it_was_put_down(tmp_path: Path) -> None:
    data = training_data(LABELS, 1)
    whole = Training(NETWORK, data, NARROW, 1, "cuda")
    first = Training(NETWORK, data, NARROW, 1, "cuda")
    for _ in range(3):
        whole.epoch()
    first.epoch()
    entry = entry_in(tmp_path)
    paper_preset.put_down(first, entry, 0.0)
    second = Training(NETWORK, data, NARROW, 1, "cuda")
    take_up(second, entry)
    second.epoch()
    second.epoch()
    assert [each.loss for each in second.history] == pytest.approx([each.loss for each in whole.history], rel=1e-3)
