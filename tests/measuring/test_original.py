"""The maps of a model as it is, and the classes explained: made once, part by part, and shared by all checks."""

from __future__ import annotations

import pickle
from collections import Counter

import pytest
import torch
from support.images import noise
from support.networks import is_copy, small
from support.watching import Watching
from torch import nn

from pytest_saliency_sanity import Batch, check_method, gradient, load_batch, load_checkpoint
from pytest_saliency_sanity.foundation.errors import SaliencyMethodError
from pytest_saliency_sanity.foundation.inference import logits_of
from pytest_saliency_sanity.foundation.progress import choose_displays
from pytest_saliency_sanity.measuring.original import Original
from pytest_saliency_sanity.methods.protocol import SaliencyMethod

IMAGES = noise(12, 1, 10, 10)
SHARING = ("label_randomization", "cascading_randomization", "class_sensitivity", "symmetry")


class Watched(nn.Module):
    """Counts the images that go through a network."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.rows: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.rows.append(len(images))
        logits: torch.Tensor = self.model(images)
        return logits


def original(
    model: nn.Module | None = None, method: SaliencyMethod = gradient, targets: torch.Tensor | None = None
) -> Original:
    return Original(method, "it on net", small() if model is None else model, IMAGES, given=targets)


class Counting:
    """A method that counts how often it explains each image, with its class, of a model with these weights."""

    def __init__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> None:
        self.model = model
        self.places = {image.numpy().tobytes(): place for place, image in enumerate(images)}
        self.targets = targets.tolist()
        self.counts: Counter[int] = Counter()
        self.calls = 0

    def __call__(self, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.is_trained(model):
            found = [self.places.get(image.numpy().tobytes()) for image in images]
            own = [
                place
                for place, target in zip(found, targets.tolist(), strict=True)
                if place is not None and target == self.targets[place]
            ]
            self.counts.update(own)
            self.calls += bool(own)
        return gradient(model, images, targets)

    def is_trained(self, model: nn.Module) -> bool:
        """Return whether a model has the weights of the trained one."""
        own, trained = model.state_dict(), self.model.state_dict()
        return own.keys() == trained.keys() and all(torch.equal(own[name], trained[name]) for name in own)


@pytest.fixture
def counting() -> Counting:
    model, images = load_checkpoint("alexnet"), load_batch("mnist", 40).images
    return Counting(model, images, logits_of(model, images).argmax(1))


def test_all_checks_of_a_method_on_a_model_share_its_maps(counting: Counting) -> None:
    batch = Batch(load_batch("mnist", 40).images)
    results = check_method(counting, models=["alexnet"], checks=SHARING, batch=batch, device="cpu", explain=False)
    assert len(results) == 8
    most = max(result.measured.images for result in results)
    assert counting.counts == dict.fromkeys(range(most), 1)
    assert counting.calls == (1 if most == 10 else 2)


def test_only_repeatability_explains_the_trained_model_again(counting: Counting) -> None:
    batch = Batch(load_batch("mnist", 10).images)
    checks = (*SHARING, "repeatability")
    found = check_method(counting, models=["alexnet"], checks=checks, batch=batch, device="cpu", explain=False)
    (repeated,) = (each.measured for each in found if each.check == "repeatability")
    assert set(counting.counts.values()) == {1 + repeated.draws}
    assert set(counting.counts) == set(range(10))


def test_a_part_is_explained_once_on_a_copy_of_the_model() -> None:
    model, calls = small(), []

    def method(given: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        assert is_copy(given, model)
        calls.append(len(images))
        return gradient(given, images, targets)

    made = original(model, method)
    first, second = made.view(0, 5), made.view(5, 12)
    assert made.view(0, 5) is first
    assert made.view(5, 12) is second
    assert calls == [5, 7]
    targets = logits_of(model, IMAGES).argmax(1)
    assert torch.equal(torch.cat([first.maps, second.maps]), gradient(model, IMAGES, targets))


def test_targets_are_the_predicted_classes_and_grow_without_being_predicted_again() -> None:
    model = Watched(small())
    made = original(model)
    expected = logits_of(small(), IMAGES).argmax(1)
    for stop, rows in ((4, [4]), (4, [4]), (2, [4]), (9, [4, 5]), (12, [4, 5, 3]), (3, [4, 5, 3])):
        assert torch.equal(made.targets(stop), expected[:stop])
        assert model.rows == rows


def test_given_targets_are_explained_and_nothing_is_predicted() -> None:
    model, given = Watched(small()), torch.arange(12) % 4
    seen: list[torch.Tensor] = []

    def method(_: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append(targets)
        return images[:, 0]

    made = original(model, method, given)
    made.view(0, 5)
    made.view(5, 12)
    assert torch.equal(torch.cat(seen), given)
    assert torch.equal(made.targets(7), given[:7])
    assert model.rows == []


def test_the_time_of_an_explanation_is_that_of_the_first() -> None:
    made = original()
    assert made.seconds == 0
    made.view(0, 4)
    first = made.seconds
    assert 0 < first < 1
    made.view(4, 12)
    assert made.seconds == first


def test_a_marked_method_gets_the_maps_of_the_model_as_it_is() -> None:
    model = small()
    targets = logits_of(model, IMAGES).argmax(1)
    assert torch.equal(original(model).view(0, 12).maps, gradient(model, IMAGES, targets))
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


def test_an_error_names_the_method_and_the_trained_model_and_is_raised_again_when_asked_again() -> None:
    def raising(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise KeyError("nothing")

    made = original(method=raising)
    for _ in range(2):
        with pytest.raises(SaliencyMethodError, match=r"^it on net, the trained model: the method raised KeyError"):
            made.view(0, 4)
    assert made.seconds == 0


def test_unless_it_is_said_maps_are_not_rounded_and_the_seed_is_0() -> None:
    made = original()
    assert (made.seed, made.seen, made.compared_by, made.seconds) == (0, False, "src", 0.0)


def test_images_are_of_the_models_precision() -> None:
    assert original(small().double()).images.dtype == torch.float64


@pytest.mark.parametrize(("shape", "count"), [((3, 224, 224), 167), ((1, 64, 64), 2048), ((3, 5000, 5000), 10)])
def test_so_many_images_are_explained_at_a_time_as_take_half_a_gigabyte(shape: tuple[int, ...], count: int) -> None:
    images = torch.zeros(1, 1, 1, 1).expand(1, *shape)
    assert Original(gradient, "it on net", small(), images).most_images == count


def drawing(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.rand(images[:, 0].shape)


def test_images_at_other_places_get_other_random_numbers_the_same_every_time() -> None:
    made, again = original(method=drawing), original(method=drawing)
    assert not (made.view(0, 4).maps == made.view(4, 8).maps).any()
    for part in ((4, 8), (0, 4)):
        assert torch.equal(made.view(*part).maps, again.view(*part).maps)


def test_what_is_explained_is_told() -> None:
    watching = Watching()
    before = choose_displays(lambda: watching)
    try:
        original().view(2, 7)
    finally:
        choose_displays(before)
    (work,) = watching.ended
    assert (work.name, work.done, work.total) == ("it on net", 5, 5)


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (0, [0, 8]),  # in bytes of a part; the first is never given up, nor the one that was asked for
        (1.99, [0, 8]),
        (2, [0, 6, 8]),  # what is there when another is made may be as large as the room
        (9, [0, 2, 4, 6, 8]),
    ],
)
def test_the_oldest_maps_but_the_first_are_given_up_if_all_take_too_much_room(
    monkeypatch: pytest.MonkeyPatch, room: float, kept: list[int]
) -> None:
    monkeypatch.setattr("pytest_saliency_sanity.measuring.original.room_for_maps", lambda _: room * 2 * 100 * 4)
    calls: list[int] = []

    def method(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.extend(place for place, image in enumerate(IMAGES) if torch.equal(image, images[0]))
        return images[:, 0].clone()

    made = original(method=method, targets=torch.zeros(12, dtype=torch.long))
    for start in (0, 2, 4, 6, 8):
        assert torch.equal(made.view(start, start + 2).maps, IMAGES[start : start + 2, 0])
    assert calls == [0, 2, 4, 6, 8]
    for start in kept:
        made.view(start, start + 2)
    assert calls == [0, 2, 4, 6, 8]
    given_up = [start for start in (0, 2, 4, 6, 8) if start not in kept]
    for start in given_up[-1:]:
        made.view(start, start + 2)
    assert calls[5:] == given_up[-1:]


def test_another_process_draws_the_maps_itself() -> None:
    made = original(targets=torch.arange(12) % 4)
    view = made.view(0, 4)
    assert made.trunk.room > 0
    sent = pickle.loads(pickle.dumps(made))
    assert not {"trunk"} & set(vars(sent))
    assert sent._views == {}
    assert (sent.name, sent.seed, sent.method) == (made.name, made.seed, gradient)
    assert torch.equal(sent.view(0, 4).maps, view.maps)
    assert made.view(0, 4) is view
