"""torchvision's networks with weights from files: what is made here, the real loader, and every damage."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from traceback import format_exception
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.storage.pretrained import load_pretrained, read_weights, require_fits

torchvision = pytest.importorskip("torchvision")


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """The tensors of torchvision's AlexNet, with values of our own."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in torchvision.models.alexnet().state_dict().items()}
    return {name: torch.randn(shape, generator=generator) * 0.01 for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, state: dict[str, torch.Tensor]) -> Path:
    file = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save(state, file)
    return file


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder of downloads, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_the_network_has_the_weights_of_the_file(
    tmp_path: Path, state: dict[str, torch.Tensor], file: Path, suffix: str
) -> None:
    if suffix == "safetensors":
        file = tmp_path / "alexnet.safetensors"
        save_file(state, file)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    model = load_pretrained("alexnet", file)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    assert {tensor.device.type for tensor in model.state_dict().values()} == {"cpu"}
    assert not any(module.training for module in model.modules())
    plain = torchvision.models.alexnet()
    plain.load_state_dict(state)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(images), plain.eval()(images))


def test_half_precision_is_loaded_as_float32(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save({name: tensor.half() for name, tensor in state.items()}, tmp_path / "half.pth")
    model = load_pretrained("alexnet", tmp_path / "half.pth")
    assert {tensor.dtype for tensor in model.state_dict().values()} == {torch.float32}


def test_without_a_file_torchvision_s_own_cache_is_looked_at(hub: Path, file: Path) -> None:
    # Its name there promises a hash, which what we put there does not have.
    (hub / "alexnet-owt-7be5be79.pth").write_bytes(file.read_bytes())
    with pytest.raises(
        CheckpointError, match=r"alexnet-owt-7be5be79.pth is damaged.*its name says 7be5be79.*Delete it"
    ):
        load_pretrained("alexnet")


def test_what_torchvision_s_own_loader_fetches_is_loaded(
    hub: Path, file: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The whole way of a download, from a server that is this folder.
    digits = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    served = file.with_name(f"alexnet-{digits}.pth")
    served.write_bytes(file.read_bytes())
    weights = torchvision.models.AlexNet_Weights.IMAGENET1K_V1
    monkeypatch.setattr(weights, "_value_", torchvision.models._api.Weights(served.as_uri(), None, {}))
    model = load_pretrained("alexnet")
    assert (hub / served.name).exists()
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize(("name", "theirs"), [("vgg11", "vgg11"), ("resnet", "resnet18")])
def test_a_download_that_fails_says_how_to_do_without(name: str, theirs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torch.hub.urlopen", unreachable)
    told = rf"(?s){name} can't be fetched from .*/{theirs}-.*--saliency-weights={name}=FILE"
    with pytest.raises(CheckpointError, match=told):
        load_pretrained(name)


def test_weights_of_another_network_are_an_error_that_names_what_differs(file: Path) -> None:
    with pytest.raises(CheckpointError, match=r"does not fit vgg11: classifier\.0\.bias is missing; .*, and 21 more"):
        load_pretrained("vgg11", file)


def test_a_shape_of_another_number_of_classes_is_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save({**state, "classifier.6.bias": torch.zeros(10)}, tmp_path / "ten.pth")
    with pytest.raises(CheckpointError, match=r"classifier.6.bias has the shape \(10,\), not \(1000,\)"):
        load_pretrained("alexnet", tmp_path / "ten.pth")


@pytest.mark.parametrize("length", [0, 10, 1000, -100])
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_truncated_file_is_an_error_that_names_it(tmp_path: Path, suffix: str, length: int) -> None:
    tensors = {"weight": torch.zeros(1000)}
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(tensors, whole)
    cut.write_bytes(whole.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"cut\..* can't be read as weights \(.+\): fetch it anew"):
        read_weights(cut)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.pth"):
        read_weights(tmp_path / "nowhere.pth")


class Code:
    """What runs as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("ran",)


def scripted(file: Path) -> None:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(action="ignore"):
        torch.jit.script(nn.Linear(2, 2)).save(file)


def in_a_zip(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights.csv", "1,2")


NEITHER = "it is neither safetensors nor what torch.save writes"
OTHERS = "it is damaged, or holds something else than tensors"
MAKERS: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "empty": (lambda file: file.touch(), "it is empty", "fetch it anew"),
    "text": (lambda file: file.write_text("weights, größer\n" * 200), "it is text", "fetch it anew"),
    "csv": (lambda file: file.write_text("0.1,0.2"), "it is text", "fetch it anew"),
    "page": (lambda file: file.write_text("\n <!DOCTYPE html><p>404"), "it is a web page", "fetch it anew, and look"),
    "tag": (lambda file: file.write_text("<HTML>"), "it is a web page", "fetch it anew, and look"),
    "pointer": (
        lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00"),
        "it is a pointer of Git LFS",
        "fetch what it stands for: git lfs pull",
    ),
    "zeros": (lambda file: file.write_bytes(bytes(1000)), NEITHER, "fetch it anew"),
    "picture": (lambda file: file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99)), NEITHER, "fetch it anew"),
    "archive": (in_a_zip, "it is an archive that torch.save did not write", "fetch it anew"),
    "program": (scripted, "it is a TorchScript program", "save model.state_dict() in its place"),
    "network": (
        lambda file: torch.save(nn.Linear(2, 2), file),
        "it asks for torch.nn.modules.linear.Linear, and nothing but tensors is read: the rest can be code",
        "save model.state_dict() in its place",
    ),
    "code": (
        lambda file: torch.save(Code(), file),
        f"it asks for {os.mkdir.__module__}.mkdir, and nothing",
        "save model",
    ),
    "code in a pickle": (
        lambda file: torch.save({"weight": Code()}, file, _use_new_zipfile_serialization=False),
        f"it asks for {os.mkdir.__module__}.mkdir, and nothing but tensors is read",
        "save model.state_dict()",
    ),
    "new pickle": (lambda file: file.write_bytes(pickle.dumps(Code(), 5)), OTHERS, "fetch it anew, or save"),
}


@pytest.mark.filterwarnings("default")  # as users have them: what is only warned of would be printed
@pytest.mark.parametrize("what", MAKERS)
def test_a_file_that_is_no_weights_is_told_what_it_is_and_never_run(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.chdir(tmp_path)
    make, told, todo = MAKERS[what]
    make(file := tmp_path / "weights.pth")
    with pytest.raises(CheckpointError) as caught:
        read_weights(file)
    said = str(caught.value)
    assert said.startswith(f"{file} can't be read as weights ({told}")
    assert f"): {todo}" in said
    # PyTorch's advice is to read it without safety, and it is not in the traceback either.
    shown = "".join(format_exception(caught.value)).partition("CheckpointError")[2]
    assert not [word for word in ("weights_only", "add_safe_globals", "issue") if word in shown]
    assert caught.value.__suppress_context__
    assert [file] == list(tmp_path.iterdir())
    assert not recwarn


@pytest.mark.parametrize("what", ["text", "page", "pointer", "empty", "zeros", "archive"])
def test_a_file_that_only_says_it_is_safetensors_is_told_what_it_is(what: str, tmp_path: Path) -> None:
    make, told, _ = MAKERS[what]
    make(file := tmp_path / "weights.safetensors")
    expected = told if what in ("text", "page", "pointer", "empty") else "it is no safetensors file, or is cut off"
    with pytest.raises(CheckpointError, match=re.escape(f"{file} can't be read as weights ({expected}")):
        read_weights(file)


@pytest.mark.parametrize("content", [[torch.zeros(2)], {"state_dict": {"weight": torch.zeros(2)}}, torch.zeros(2)])
def test_what_is_no_state_dict_is_an_error(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"holds no state dict.*save model.state_dict\(\)"):
        read_weights(tmp_path / "other.pth")


def test_the_hash_in_a_file_s_name_is_held_against_it(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "plain.pth")
    content = (tmp_path / "plain.pth").read_bytes()
    digits = hashlib.sha256(content).hexdigest()[:8]
    (tmp_path / f"right-{digits}.pth").write_bytes(content)
    assert list(read_weights(tmp_path / f"right-{digits}.pth")) == ["weight"]
    (tmp_path / "wrong-01234567.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"SHA-256 begins with {digits}, and its name says 01234567"):
        read_weights(tmp_path / "wrong-01234567.pth")


def test_names_and_shapes_that_fit_are_no_error() -> None:
    model = nn.Linear(2, 3)
    require_fits(model.state_dict(), model, "never said")


def test_resnet_is_torchvisions_resnet18(tmp_path: Path) -> None:
    theirs = torchvision.models.resnet18().eval()
    torch.save(theirs.state_dict(), tmp_path / "resnet18.pth")
    model = load_pretrained("resnet", tmp_path / "resnet18.pth")
    images = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(images), theirs(images))
    dtypes = {name: tensor.dtype for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.dtype for name, tensor in model.state_dict().items()} == dtypes
