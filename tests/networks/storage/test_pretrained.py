"""torchvision's networks with weights from files: what is made here, the real loader, and every damage."""

from __future__ import annotations

import hashlib
from pathlib import Path
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


def test_nothing_but_tensors_is_unpickled(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(CheckpointError, match="can't be read as weights"):
        read_weights(tmp_path / "module.pth")


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
