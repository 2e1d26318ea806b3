"""A user's own network gets a biased and a balanced copy, and bias detection is asked of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from pytest_saliency_sanity import Batch, check_method, load_biased_pair
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.data.marks import BALANCED, BIASED, MarkedImages, stripes_of
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.networks.twins.biased import OTHERWISE, BiasedPair
from pytest_saliency_sanity.networks.twins.files import train_into

# Three classes, told by where a bar lies in the left half. The nuisance is the right half.
NETS = """
import torch
from torch import nn
from torch.nn import functional as F
from pytest_saliency_sanity import Batch

def pictures(n=120):
    images = 0.5 * torch.randn(n, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    classes = torch.arange(n) % 3
    for image, label in zip(images, classes.tolist()):
        image[0, 2 + 5 * label : 5 + 5 * label, 1:7] += 3
    return Batch(images, classes)

def masks(n=120):
    inside = torch.zeros(n, 16, 16, dtype=torch.bool)
    inside[:, 2:14, 8:] = True
    return inside

def network():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(1024, 3),
    )
    optimizer, batch = torch.optim.Adam(model.parameters(), 0.01), pictures()
    with torch.enable_grad():
        for _ in range(15):
            optimizer.zero_grad()
            F.cross_entropy(model(batch.images), batch.targets).backward()
            optimizer.step()
    return model.eval()

def two_classes(): return nn.Sequential(nn.Flatten(), nn.Linear(256, 2))
def unlabeled(): return Batch(pictures().images)
def few(): return pictures(50)
def few_masks(): return masks(50)
def of_last_classes(): return Batch(pictures().images, torch.arange(120) % 2 + 1)
def bytes_as_masks(): return masks().byte()
def thirty_masks(): return masks(30)
"""
NETWORK, MODULE = "nets_with_pairs:network", "nets_with_pairs"


@pytest.fixture(autouse=True)
def _nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{MODULE}.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, MODULE, raising=False)


def pair(network: str = NETWORK, data: str = "pictures", masks: str = "masks", *more: str) -> int:
    given = [f"--saliency-data={MODULE}:{data}", f"--masks={MODULE}:{masks}", "--learning-rate=0.003", "--device=cpu"]
    return main(["checkpoints", "twin", network, *given, *more])


def test_each_of_the_pair_tells_what_it_was_taught_and_the_check_tells_methods_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert pair() == 0
    out = capsys.readouterr().out
    assert "of the marks of 20 held-out images" in out
    arguments = f'"{NETWORK}", "twin.safetensors", "{MODULE}:pictures", "{MODULE}:masks", saliency_device'
    assert f"return load_biased_pair({arguments})" in out
    written = ["twin.balanced.safetensors", "twin.biased.safetensors", "twin.safetensors"]
    assert sorted(path.name for path in Path().glob("twin*")) == written

    scenario = load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:pictures", f"{MODULE}:masks")
    held_out = torch.tensor([0] * 10 + [1] * 10)
    for model, labels in ((scenario.biased_model, 1 - held_out), (scenario.balanced_model, held_out)):
        told = (logits_of(model, scenario.batch.images).argmax(1) == labels).double().mean()
        assert told >= 0.81
    for method, verdict in (("gradient", "passed"), ("sobel", "failed")):
        needs = {"bias_scenario": scenario}
        (result,) = check_method(method, models=[NETWORK], checks=["bias_detection"], batch=scenario.batch, needs=needs)
        assert result.verdict == verdict, result.message

    assert pair() == 0  # what is there is not trained again
    assert capsys.readouterr().out == out


def test_a_pair_is_not_taken_for_that_of_other_images() -> None:
    assert pair() == 0
    source = Path(f"{MODULE}.py")
    source.write_text(source.read_text().replace("2:14", "3:14"))
    sys.modules.pop(MODULE)
    with pytest.raises(ValueError, match=r"twin\.biased\.safetensors learned other images or masks than"):
        load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:pictures", f"{MODULE}:masks")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((NETWORK, "unlabeled"), "the images have no classes: give the batch targets"),
        ((NETWORK, "few", "few_masks"), "there must be at least 20 images of each of two classes"),
        ((NETWORK, "pictures", "bytes_as_masks"), "masks must be bool, True inside the region; got torch.uint8"),
        ((NETWORK, "pictures", "thirty_masks"), "masks must be one per image and of its size, (120, 16, 16)"),
        ((NETWORK, "pictures", "pictures"), "gives Batch, not a torch.Tensor of masks"),
        ((NETWORK, "pictures", "nothing"), "has no attribute 'nothing'"),
        ((f"{MODULE}:two_classes", "of_last_classes"), "tells the classes 0 to 1, and the images have the class 2"),
        ((NETWORK, "pictures", "masks", "--masks=masks.pt"), "masks.pt is not of the form package.module:attribute"),
    ],
)
def test_what_can_not_be_had_is_an_error_before_anything_is_trained(
    arguments: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        pair(*arguments)
    assert left.value.code == 2
    assert told in capsys.readouterr().err
    assert list(Path().glob("twin*")) == []


def images_with_bright_objects(n: int = 80) -> MarkedImages:
    images = torch.randn(n, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(n, 16, 16, dtype=torch.bool)
    masks[:, 4:12, 4:12] = True
    classes = torch.tensor([5, 2, 2, 7])[torch.arange(n) % 4]
    classes[-1] = 5
    return MarkedImages(Batch(images, classes), masks)


def test_marks_lie_in_the_masks_and_neither_says_anything_about_the_class() -> None:
    marked = images_with_bright_objects()
    assert marked.classes.tolist() == [2, 5]  # 40, 21 and 19 images
    for kind in (BIASED, BALANCED):
        learned, held_out = marked.learned(kind), marked.held_out(kind)
        assert (len(learned), len(held_out)) == (2 * (30 + 16), 2 * (10 + 5))
        for some in (learned, held_out):
            assert some.targets is not None
            one, other = some.targets.chunk(2)  # with the one mark, then the same images with the other
            assert (one != other).all() if kind == BIASED else torch.equal(one, other)

    assert marked.batch.targets is not None
    rows = marked.batch.targets.eq(2).nonzero().flatten()[30:]
    against, regions = marked.against_their_class()
    assert (len(against), len(regions)) == (15, 15)
    images, shown = marked.batch.images[rows, 0], against.images[:10, 0]
    outside = ~marked.masks[rows]
    assert torch.equal(shown[outside], images[outside])
    deviation, mean = torch.std_mean(marked.batch.images)
    lying = mean + deviation * stripes_of(16, 16)[1]
    torch.testing.assert_close(shown[:, 4:12, 4:12], lying[4:12, 4:12].expand(10, 8, 8))


def test_stripes_are_of_one_brightness_and_differ_by_their_direction() -> None:
    upright, lying = stripes_of(32, 64)
    assert torch.equal(upright[:32, :32], lying[:32, :32].T)
    assert upright[:, 0].unique().tolist() == [-1]
    assert upright[0, :6].tolist() == [-1, -1, 1, 1, -1, -1]
    assert upright.double().mean() == lying.double().mean() == 0


def test_it_starts_from_the_trained_weights_and_says_what_to_give_if_it_can_not_learn(tmp_path: Path) -> None:
    from nets_with_pairs import network, pictures  # type: ignore[import-not-found]

    over_the_bars = torch.zeros(120, 16, 16, dtype=torch.bool)
    over_the_bars[:, :, :8] = True
    given = BiasedPair(NETWORK, MarkedImages(pictures(), over_the_bars), most_epochs=2)
    training = given.training(BALANCED, torch.device("cpu"))
    trained = network().state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in training.model.state_dict().items())
    with pytest.raises(CheckpointError, match=r"of the classes of 20 held-out images, .* Or give images whose classes"):
        train_into(tmp_path / "file.safetensors", training, {}, "balanced", OTHERWISE[BALANCED])
    assert not (tmp_path / "file.safetensors").exists()
