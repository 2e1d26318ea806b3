"""A user's own network gets a biased and a balanced copy, and bias detection is asked of it."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import torch

from pytest_saliency_sanity import Batch, check_method, load_biased_pair, load_twin
from pytest_saliency_sanity.__main__ import main
from pytest_saliency_sanity.data.marks import BALANCED, BIASED, MarkedImages, stripes_of
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.networks.twins.biased import OTHERWISE, THRESHOLD, BiasedPair
from pytest_saliency_sanity.networks.twins.files import train_into
from pytest_saliency_sanity.networks.twins.own import OwnNetwork

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
    return model.eval().requires_grad_(False)  # as some do who only explain

def shallow(): return nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
def unlabeled(): return Batch(pictures().images)
def few(): return pictures(59)
def few_masks(): return masks(59)
def of_last_classes(): return Batch(pictures().images, torch.arange(120) % 3 + 1)
def with_unknown(): return Batch(pictures().images, pictures().targets - 1)
def bytes_as_masks(): return masks().byte()
def thirty_masks(): return masks(30)
def more_masks(): return masks(130)
def one_mask(): return torch.tensor(True)
def shuffled():
    batch, rows = pictures(), torch.randperm(120)
    return Batch(batch.images[rows], batch.targets[rows])
def with_small_numbers(): return Batch(pictures().images, pictures().targets.int())
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
    assert "of the marks of 30 held-out images" in out
    arguments = f'"{NETWORK}", TWIN, "{MODULE}:pictures", "{MODULE}:masks", saliency_device'
    assert f"return load_biased_pair({arguments})" in out
    written = ["twin.balanced.safetensors", "twin.biased.safetensors", "twin.safetensors"]
    assert sorted(path.name for path in Path().glob("twin*")) == written

    scenario = load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:pictures", f"{MODULE}:masks")
    held_out = torch.arange(30) % 3
    for model, labels in ((scenario.biased_model, (held_out + 1) % 3), (scenario.balanced_model, held_out)):
        told = (logits_of(model, scenario.batch.images).argmax(1) == labels).double().mean()
        assert told >= 0.81
    for method, verdict in (("gradient", "passed"), ("sobel", "failed")):
        needs = {"bias_scenario": scenario}
        (result,) = check_method(method, models=[NETWORK], checks=["bias_detection"], batch=scenario.batch, needs=needs)
        assert result.verdict == verdict, result.message
        assert result.stages[0].threshold == THRESHOLD
    given = {"bias_detection": 0.9}
    (result,) = check_method(
        "gradient",
        models=[NETWORK],
        checks=["bias_detection"],
        batch=scenario.batch,
        needs=needs,
        thresholds=given,
    )
    assert (result.verdict, result.stages[0].threshold) == ("failed", 0.9)

    assert pair() == 0  # what is there is not trained again
    assert capsys.readouterr().out == out


def test_a_pair_is_not_taken_for_that_of_other_images_nor_one_of_it_for_the_other() -> None:
    assert pair() == 0
    with pytest.raises(ValueError, match=r"twin\.biased\.safetensors is the biased twin of .*, not the memorized one"):
        load_twin(NETWORK, "twin.biased.safetensors")
    biased, balanced, aside = (Path(f"{name}.safetensors") for name in ("twin.biased", "twin.balanced", "aside"))
    biased.rename(aside)
    shutil.copy(balanced, biased)
    with pytest.raises(ValueError, match=r"twin\.biased\.safetensors is the balanced twin of .*, not the biased one"):
        load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:pictures", f"{MODULE}:masks")
    aside.rename(biased)
    source = Path(f"{MODULE}.py")
    source.write_text(source.read_text().replace("2:14", "3:14"))
    sys.modules.pop(MODULE)
    with pytest.raises(ValueError, match=r"twin\.biased\.safetensors learned other images or masks than"):
        load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:pictures", f"{MODULE}:masks")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((NETWORK, "unlabeled"), "the images have no classes: give the batch targets"),
        ((NETWORK, "with_unknown"), "classes must be 0 or more; there is -1"),
        ((NETWORK, "few", "few_masks"), "at least 20 images of each of 3 classes; there are so many of 2"),
        ((NETWORK, "pictures", "bytes_as_masks"), "masks must be bool, True inside the region; got torch.uint8"),
        ((NETWORK, "pictures", "thirty_masks"), "masks must be one per image and of its size, (120, 16, 16)"),
        ((NETWORK, "pictures", "more_masks", "--images=100"), "masks must be one per image and of its size, (120, 16"),
        ((NETWORK, "pictures", "one_mask", "--images=100"), "masks must be one per image and of its size"),
        ((NETWORK, "shuffled"), "give other images or masks each time: let them give the same, unshuffled"),
        ((NETWORK, "pictures", "pictures"), "gives Batch, not a torch.Tensor of masks"),
        ((NETWORK, "pictures", "nothing"), "has no attribute 'nothing'"),
        ((f"{MODULE}:shallow", "of_last_classes"), "tells the classes 0 to 2, and the images have the class 3"),
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


def test_only_the_first_images_are_taken_if_it_is_told_so_and_classes_may_be_small_numbers() -> None:
    assert pair(NETWORK, "with_small_numbers", "masks", "--images=90") == 0
    scenario = load_biased_pair(NETWORK, "twin.safetensors", f"{MODULE}:with_small_numbers", f"{MODULE}:masks")
    assert len(scenario.batch) == 3 * (30 // 4)


def test_a_pair_of_a_network_that_was_trained_on_is_trained_anew() -> None:
    assert pair() == 0
    files = [Path(f"twin{kind}.safetensors") for kind in ("", ".biased", ".balanced")]
    before = [file.read_bytes() for file in files]
    source = Path(f"{MODULE}.py")
    source.write_text(source.read_text().replace("range(15)", "range(16)"))
    sys.modules.pop(MODULE)
    assert pair() == 0
    same = [file.read_bytes() == content for file, content in zip(files, before, strict=True)]
    assert same == [True, False, False]  # the twin that memorises does not begin with the trained weights


def with_classes(counts: dict[int, int]) -> MarkedImages:
    """Return noise with so many images of each class, the classes mixed, and a square to mark in the middle."""
    classes = torch.tensor([label for label, count in counts.items() for _ in range(count)])
    classes = classes[torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))]
    images = torch.randn(len(classes), 1, 32, 32, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(len(classes), 32, 32, dtype=torch.bool)
    masks[:, 8:24, 8:24] = True
    return MarkedImages(Batch(images, classes), masks)


def test_the_classes_with_most_images_are_marked_up_to_four_of_them() -> None:
    assert with_classes({7: 20, 2: 25, 5: 40, 0: 19, 9: 21, 3: 30}).classes.tolist() == [2, 3, 5, 9]
    assert with_classes({7: 20, 2: 25, 5: 40, 0: 19}).classes.tolist() == [2, 5, 7]
    with pytest.raises(ValueError, match="at least 20 images of each of 3 classes; there are so many of 2"):
        with_classes({7: 20, 2: 25, 0: 19})


@pytest.mark.parametrize("part", ["learned", "held_out"])
def test_every_image_has_every_mark_so_neither_says_anything_about_the_other(part: str) -> None:
    marked = with_classes({2: 20, 5: 24, 7: 28})
    of_each = {kind: getattr(marked, part)(kind) for kind in (BIASED, BALANCED)}
    assert torch.equal(of_each[BIASED].images, of_each[BALANCED].images)
    pairs = zip(of_each[BIASED].targets.tolist(), of_each[BALANCED].targets.tolist(), strict=True)
    counts = {2: 15, 5: 18, 7: 21} if part == "learned" else {2: 5, 5: 6, 7: 7}
    assert Counter(pairs) == {(mark, label): counts[label] for mark in counts for label in counts}


def test_the_explained_images_have_the_mark_of_another_class_in_their_mask_and_are_else_as_they_were() -> None:
    marked = with_classes({2: 20, 5: 24, 7: 28})
    against, regions = marked.against_their_class()
    assert (len(against), len(regions)) == (5 + 6 + 7, 18)
    assert marked.batch.targets is not None
    last = {label: marked.batch.targets.eq(label).nonzero().flatten()[-n:] for label, n in ((2, 5), (5, 6), (7, 7))}
    order = [(label, row) for row in range(7) for label in last if row < len(last[label])]  # the classes in turn
    images = marked.batch.images[torch.stack([last[label][row] for label, row in order]), 0]
    assert torch.equal(against.images[:, 0][~regions], images[~regions])
    deviation, mean = torch.std_mean(marked.batch.images)
    stripes = mean + deviation * stripes_of(3, 32, 32)[torch.tensor([{2: 1, 5: 2, 7: 0}[label] for label, _ in order])]
    torch.testing.assert_close(against.images[:, 0][regions], stripes[regions])


def test_stripes_are_of_one_brightness_and_differ_by_their_direction() -> None:
    stripes = stripes_of(4, 64, 64)
    upright, rising, lying, falling = stripes
    assert torch.equal(upright, lying.T)
    assert upright[0, :10].tolist() == [1, 1, 1, 1, -1, -1, -1, -1, 1, 1]
    assert upright[:, 0].unique().tolist() == [1]
    assert stripes.double().mean((1, 2)).abs().max() < 0.05
    # Rising and falling ones keep their brightness along the diagonals.
    assert torch.equal(rising[1:, :-1], rising[:-1, 1:])
    assert (falling[1:, 1:] == falling[:-1, :-1]).double().mean() > 0.99
    alike = torch.stack([(one == other).double().mean() for one, other in combinations(stripes, 2)])
    assert (alike - 0.5).abs().max() < 0.05
    assert stripes_of(3, 12, 20)[0, 0, :5].tolist() == [1, 1, -1, -1, 1]  # none is narrower than two pixels


def test_it_starts_from_the_trained_weights_and_says_what_to_give_if_it_can_not_learn(tmp_path: Path) -> None:
    from nets_with_pairs import network, pictures  # type: ignore[import-not-found]

    over_the_bars = torch.zeros(120, 16, 16, dtype=torch.bool)
    over_the_bars[:, :, :8] = True
    given = BiasedPair(OwnNetwork(NETWORK), MarkedImages(pictures(), over_the_bars), most_epochs=2)
    training = given.training(BALANCED, torch.device("cpu"))
    trained = network().state_dict()
    assert all(torch.equal(value, trained[name]) for name, value in training.model.state_dict().items())
    with pytest.raises(CheckpointError, match=r"of the classes of 30 held-out images, .* Or give images whose classes"):
        train_into(tmp_path / "file.safetensors", training, {}, "balanced", OTHERWISE[BALANCED])
    assert not (tmp_path / "file.safetensors").exists()
