"""A user's own network gets a twin that memorised random labels, and label randomisation is asked of it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.skips import needs
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from pytest_saliency_sanity import Batch, check_method, load_twin
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.foundation.randomness import derived_seed
from pytest_saliency_sanity.networks.storage.record import read_record
from pytest_saliency_sanity.networks.training.progress import train_in_sight
from pytest_saliency_sanity.networks.training.training import Training
from pytest_saliency_sanity.networks.twins import files
from pytest_saliency_sanity.networks.twins.memorized import renewed

NETS = """
import torch
from torch import nn
from pytest_saliency_sanity import Batch

def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(576, 3)
    ).eval()

def images(): return Batch(torch.randn(60, 1, 12, 12, generator=torch.Generator().manual_seed(0)))
def others(): return Batch(torch.randn(60, 1, 12, 12, generator=torch.Generator().manual_seed(1)))
def few(): return Batch(torch.randn(20, 1, 12, 12))
def colors(): return Batch(torch.randn(60, 3, 12, 12))
def blank(): return Batch(torch.zeros(60, 1, 12, 12))
def one_class(): return nn.Sequential(nn.Flatten(), nn.Linear(144, 1))
def frozen(): return nn.Flatten()
def with_a_count():
    model = network()
    model.requires_grad_(False)
    model.count = nn.Parameter(torch.tensor([1]), requires_grad=False)
    return model
def needs_a_width(width): return network()
def opens_a_file(): return torch.load("nowhere.pt")
def leaves(): raise SystemExit(3)
def in_half_precision(): return network().bfloat16()
def one_more(): return Batch(torch.randn(65, 1, 12, 12))
def without_place(): return nn.Sequential(nn.Flatten(), nn.Linear(144, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
number = 3
"""
NETWORK = "nets_with_twins:network"
DATA = "--saliency-data=nets_with_twins:images"


@pytest.fixture(autouse=True)
def _nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_with_twins.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "nets_with_twins", raising=False)


def twin(*arguments: str) -> int:
    return main(["checkpoints", "twin", NETWORK, DATA, "--device=cpu", *arguments])


def test_a_twin_memorises_random_labels_and_is_used_as_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert twin("--learning-rate=0.01") == 0
    out = capsys.readouterr().out
    assert "% of 60 random labels" in out
    assert 'TWIN = Path(__file__).parent / "twin.safetensors"' in out
    assert f'return load_twin("{NETWORK}", TWIN).to(saliency_device)' in out
    assert sorted(path.name for path in Path().glob("twin*")) == ["twin.safetensors"]

    from nets_with_twins import images, network  # type: ignore[import-not-found]

    memorized, batch = load_twin(NETWORK, "twin.safetensors"), images()
    generator = torch.Generator().manual_seed(derived_seed("twin", 0))
    labels = torch.randint(3, (60,), generator=generator)
    assert (logits_of(memorized, batch.images).argmax(1) == labels).double().mean() >= 0.95
    assert not memorized.training
    assert isinstance(network(), nn.Module)
    (result,) = check_method(
        "gradient",
        models=[NETWORK],
        checks=["label_randomization"],
        batch=Batch(batch.images[:20]),
        needs={"memorized_model": memorized},
    )
    assert result.verdict in ("passed", "inconclusive", "failed")
    assert result.statistic is not None


def test_weights_that_a_factory_froze_learn_and_those_that_are_no_numbers_to_learn_stay() -> None:
    command = ["checkpoints", "twin", "nets_with_twins:with_a_count", DATA, "--learning-rate=0.01"]
    assert main(command) == 0
    kept = dict(load_twin("nets_with_twins:with_a_count", "twin.safetensors").named_parameters())
    assert kept["count"].tolist() == [1]


def test_it_starts_from_new_weights_and_the_same_each_time() -> None:
    assert twin("--learning-rate=0.01", "--output=a.safetensors") == 0
    assert twin("--learning-rate=0.01", "--output=b.safetensors") == 0
    assert Path("a.safetensors").read_bytes() != b""
    one, other = (read_record(Path(f"{name}.safetensors"))[0] for name in "ab")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_an_interrupted_training_is_taken_up_to_the_same_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert twin("--learning-rate=0.01", "--output=whole.safetensors") == 0
    real, left = train_in_sight, [3]

    def interrupted(training: Training, name: str, **given: object) -> None:
        def after_epoch() -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        real(training, name, **given | {"after_epoch": after_epoch})  # type: ignore[arg-type]

    monkeypatch.setattr(files, "train_in_sight", interrupted)
    assert twin("--learning-rate=0.01", "--output=cut.safetensors") == 130
    assert "how far it came is saved; run the same command to continue" in capsys.readouterr().err
    assert sorted(path.name for path in Path().glob("cut*")) == ["cut.safetensors.unfinished"]
    assert len(read_record(Path("cut.safetensors.unfinished"))[1]["history"]) == 3
    monkeypatch.setattr(files, "train_in_sight", real)
    assert twin("--learning-rate=0.01", "--output=cut.safetensors") == 0
    (one, facts), (other, facts_of_other) = (read_record(Path(f"{name}.safetensors")) for name in ("whole", "cut"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert facts["history"] == facts_of_other["history"]
    assert sorted(path.name for path in Path().glob("cut*")) == ["cut.safetensors"]


def test_a_training_of_other_settings_starts_anew() -> None:
    assert twin("--learning-rate=0.01", "--output=one.safetensors") == 0
    Path("one.safetensors").rename("other.safetensors.unfinished")
    assert twin("--learning-rate=0.02", "--output=other.safetensors") == 0
    assert read_record(Path("other.safetensors"))[1]["recipe"]["learning_rate"] == 0.02


def test_a_training_on_other_images_of_the_same_size_starts_anew() -> None:
    assert twin("--learning-rate=0.01", "--output=one.safetensors") == 0
    Path("one.safetensors").rename("other.safetensors.unfinished")
    command = ["checkpoints", "twin", NETWORK, "--saliency-data=nets_with_twins:others", "--learning-rate=0.01"]
    assert main([*command, "--output=other.safetensors"]) == 0
    assert main([*command, "--output=fresh.safetensors"]) == 0
    one, other = (read_record(Path(f"{name}.safetensors"))[0] for name in ("other", "fresh"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_damaged_training_is_not_taken_up(capsys: pytest.CaptureFixture[str]) -> None:
    Path("twin.safetensors.unfinished").write_bytes(b"no record")
    assert twin() == 1
    assert "can't be taken up: delete it" in capsys.readouterr().err


def test_a_twin_that_can_not_memorise_says_what_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["checkpoints", "twin", NETWORK, "--saliency-data=nets_with_twins:blank", "--epochs=2"])
    assert status == 1
    told = capsys.readouterr().err
    assert "of 60 random labels after 2 epochs, not 95%: try another seed" in told
    assert "memorise fewer images: this network may be too small for 60" in told
    assert not Path("twin.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            (NETWORK, "--saliency-data=nets_with_twins:few"),
            "there are 20 images: give at least 50 to memorise",
        ),
        ((NETWORK, "--saliency-data=nets_with_twins:colors"), "can't be run on the images (60, 3, 12, 12): RuntimeE"),
        ((NETWORK, "--saliency-data=nets_with_twins:number"), "gives int, not a pytest_saliency_sanity.Batch"),
        ((NETWORK, "--saliency-data=nowhere"), "nowhere is no folder, and not of the form package.module:attribute"),
        ((NETWORK, "--saliency-data=no_such_module:images"), "No module named 'no_such_module'"),
        (("nets_with_twins:none", DATA), "has no attribute 'none'"),
        (("alexnet", DATA), "unknown model 'alexnet'"),
        ((NETWORK, DATA, "--images=-5"), "images must be 1 or more, not -5"),
        ((NETWORK, DATA, "--epochs=0"), "epochs must be 1 or more, not 0, and the learning rate above 0"),
        ((NETWORK, DATA, "--learning-rate=nan"), "the learning rate above 0"),
        (("nets_with_twins:one_class", DATA), "has one class only: pytest_saliency_sanity.Logits(model) makes two"),
        (("nets_with_twins:needs_a_width", DATA), "missing a required argument: 'width'. Give arguments after '?', as"),
        (("nets_with_twins:opens_a_file", DATA), "making it raised FileNotFoundError: "),
        (("nets_with_twins:opens_a_file", DATA), ", in nets_with_twins.py:"),
        (("nets_with_twins:leaves", DATA), "making it raised SystemExit: 3, in nets_with_twins.py:"),
        (
            (NETWORK, "--saliency-data=nets_with_twins:opens_a_file"),
            "--saliency-data=nets_with_twins:opens_a_file raise",
        ),
        (("nets_with_twins:frozen", DATA), "Flatten has no weights, so it learns nothing"),
    ],
)
def test_what_can_not_be_had_is_an_error_before_anything_is_trained(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["checkpoints", "twin", *arguments])
    assert left.value.code == 2
    assert told in capsys.readouterr().err
    assert list(Path().glob("twin*")) == []


def test_the_file_of_another_network_or_of_a_changed_one_is_an_error() -> None:
    assert twin("--learning-rate=0.01") == 0
    with pytest.raises(
        ValueError, match=r"is the memorized twin of nets_with_twins:network, not the .* one of nets_with_twins:frozen"
    ):
        load_twin("nets_with_twins:frozen", "twin.safetensors")
    path = Path("nets_with_twins.py")
    path.write_text(path.read_text().replace("576, 3", "576, 4"))
    sys.modules.pop("nets_with_twins")
    with pytest.raises(ValueError, match="which has changed since: train the twin again"):
        load_twin(NETWORK, "twin.safetensors")
    assert twin("--learning-rate=0.01") == 0  # which it does
    assert load_twin(NETWORK, "twin.safetensors")[-1].out_features == 4  # type: ignore[index]


def test_the_twin_of_a_network_in_half_precision_is_judged_in_its_precision() -> None:
    network = "nets_with_twins:in_half_precision"
    assert main(["checkpoints", "twin", network, DATA, "--device=cpu", "--learning-rate=0.01"]) == 0
    memorized = load_twin(network, "twin.safetensors")
    from nets_with_twins import images

    (result,) = check_method(
        "gradient",
        models=[network],
        checks=["label_randomization"],
        batch=Batch(images().images[:20]),
        needs={"memorized_model": memorized},
    )
    assert result.verdict in ("passed", "inconclusive", "failed"), result.message
    assert next(memorized.parameters()).dtype == torch.float32  # it is a copy that is cast


def test_an_image_that_is_left_over_is_learned_with_others() -> None:
    data = "--saliency-data=nets_with_twins:one_more"
    assert main(["checkpoints", "twin", "nets_with_twins:without_place", data, "--learning-rate=0.03"]) == 0


def test_a_file_of_somebody_else_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    save_file({"weight": torch.ones(3)}, "mine.safetensors")
    Path("notes.txt").write_text("mine")
    for name in ("mine.safetensors", "notes.txt"):
        before = Path(name).read_bytes()
        with pytest.raises(SystemExit):
            twin(f"--output={name}")
        assert f"{name} exists and is no twin, or a damaged one: name another file" in capsys.readouterr().err
        assert Path(name).read_bytes() == before


def test_the_twin_of_another_network_is_left_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert twin("--learning-rate=0.01") == 0
    before = Path("twin.safetensors").read_bytes()
    with pytest.raises(SystemExit):
        main(["checkpoints", "twin", "nets_with_twins:in_half_precision", DATA])
    assert f"twin.safetensors exists and is the twin of {NETWORK}: name another file" in capsys.readouterr().err
    assert Path("twin.safetensors").read_bytes() == before


def test_a_file_that_is_missing_is_told_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=re.escape(f"{tmp_path / 'none.safetensors'} is missing")):
        load_twin(NETWORK, "none.safetensors")


def test_it_is_found_from_another_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert twin("--learning-rate=0.01", "--output=kept/it's 😀.safetensors") == 0
    (line,) = [each for each in capsys.readouterr().out.splitlines() if each.startswith("TWIN = ")]
    assert line == """TWIN = Path(__file__).parent / "kept/it's 😀.safetensors\""""
    assert load_twin(NETWORK, eval(line.removeprefix("TWIN = "), {"Path": Path, "__file__": "conftest.py"})) is not None


@pytest.mark.parametrize(
    "model",
    [
        nn.TransformerEncoderLayer(8, 2, 16),
        nn.Sequential(weight_norm(nn.Linear(8, 8)), nn.LayerNorm(8)),
        nn.ModuleDict({"attention": nn.MultiheadAttention(8, 2), "tokens": nn.ParameterList([torch.ones(1, 4, 8)])}),
    ],
    ids=lambda model: type(model).__name__,
)
def test_nothing_is_left_of_what_was_learned(model: nn.Module) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    learned = {name: value.clone() for name, value in model.named_parameters()}
    for name, value in renewed(model).named_parameters():
        assert not (value == learned[name]).double().mean() > 0.2, name


@needs("torchvision")
def test_frozen_batch_norm_is_reset() -> None:
    from torchvision.ops import FrozenBatchNorm2d

    model = nn.Sequential(nn.Linear(2, 2), FrozenBatchNorm2d(3))
    for buffer in model.buffers():
        buffer.fill_(7)
    assert [buffer.tolist() for buffer in renewed(model).buffers()] == [[1] * 3, [0] * 3, [0] * 3, [1] * 3]


class Asking(nn.Linear):
    """A layer whose reset needs to be told something."""

    def reset_parameters(self, gain: float = 1) -> None:
        nn.init.normal_(self.weight, std=gain)

    def _reset_parameters(self, gain: float) -> None:
        raise AssertionError("it was not told the gain")


def test_only_what_needs_nothing_is_called() -> None:
    assert isinstance(renewed(Asking(2, 2)), Asking)


def test_a_damaged_twin_is_trained_again() -> None:
    assert twin("--learning-rate=0.01") == 0
    file = Path("twin.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="damaged"):
        load_twin(NETWORK, file)
    assert twin("--learning-rate=0.01") == 0
    assert load_twin(NETWORK, file) is not None


def test_a_folder_that_takes_no_file_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    Path("folder").mkdir()
    for output, told in (
        ("file/twin.safetensors", "can't be written to: name"),
        ("folder", "is a folder: name a file"),
    ):
        with pytest.raises(SystemExit) as left:
            twin("--learning-rate=0.01", f"--output={output}")
        assert left.value.code == 2
        assert f"{output} {told}" in capsys.readouterr().err
