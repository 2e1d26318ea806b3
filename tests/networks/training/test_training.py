"""The training loop: what an epoch does, what it leaves alone, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from math import cos, pi

import pytest
import torch
from support.trainings import NARROW, TINY, bytes_of, trained, with_recipe

from pytest_saliency_sanity import Batch, build_model
from pytest_saliency_sanity.data.scenes import draw_training_scenes
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets.embedded.bias import BIAS
from pytest_saliency_sanity.networks.presets.embedded.scenes import SCENES
from pytest_saliency_sanity.networks.training.training import Training, epochs_of


def test_an_epoch_is_what_a_literal_loop_makes_of_it() -> None:
    # The paper's B.1, written down once more.
    recipe = with_recipe(NARROW, least_epochs=2).recipe
    training = with_recipe(NARROW, least_epochs=2).training("alexnet", "random")
    data = training.data.learned
    assert data.targets is not None
    torch.manual_seed(1)
    literal = build_model("alexnet", recipe.width)
    for module in literal.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            fan_in = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan_in) ** 0.5)
            assert module.bias is not None
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


@pytest.fixture(scope="module")
def of_ten_channels() -> Training:
    """A training of one epoch that is over."""
    torch.manual_seed(0)
    return trained()


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_training_is_reproducible_to_the_last_bit(network: str, of_ten_channels: Training) -> None:
    first = of_ten_channels if network == "alexnet" else trained(network=network)
    torch.manual_seed(99)
    assert bytes_of(trained(network=network).kept()) == bytes_of(first.kept())


def test_a_network_is_trained_where_gradients_are_off(of_ten_channels: Training) -> None:
    with torch.no_grad():
        found = bytes_of(trained().kept())
    assert found == bytes_of(of_ten_channels.kept())


def test_another_seed_gives_other_weights(of_ten_channels: Training) -> None:
    data = of_ten_channels.data
    other = Training("alexnet", data, TINY.recipe, 2)
    list(epochs_of(other))
    mine, theirs = bytes_of(of_ten_channels.kept()), bytes_of(other.kept())
    assert all(mine[name] != theirs[name] for name in mine)


def test_training_leaves_the_random_stream_and_the_images_as_found() -> None:
    state = torch.get_rng_state()
    training = TINY.training("alexnet", "random")
    images = training.data.learned.images.clone()
    training.epoch()
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(training.data.learned.images, images)


def test_training_gives_weights_that_half_precision_holds_in_evaluation_mode(of_ten_channels: Training) -> None:
    model = of_ten_channels.kept()
    assert all(torch.equal(tensor, tensor.half().float()) for tensor in model.state_dict().values())
    assert not model.training


def test_training_goes_on_until_the_least_epochs_and_tells_of_each() -> None:
    training = with_recipe(TINY, least_epochs=3, most_epochs=9).training("alexnet", "true")
    told = list(epochs_of(training))
    assert [number for number, _ in told] == [1, 2, 3]
    assert [epoch for _, epoch in told] == training.history
    assert told[-1][1].loss < told[0][1].loss


def test_a_target_that_is_not_reached_is_an_error_with_advice_and_leaves_the_stream_as_found() -> None:
    state = torch.get_rng_state()
    with pytest.raises(CheckpointError, match=r"alexnet reached only \d+\.\d% of the labels after 1 epochs, not 100%"):
        trained(with_recipe(TINY, target=1.0, most_epochs=1))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("network", ["alexnet", "vgg11"])
def test_the_layout_is_that_of_the_recipe_while_it_is_trained_and_plain_when_it_is_kept(network: str) -> None:
    training = with_recipe(BIAS, width=0.01, precision="float32").training(network, "biased")
    convolutions = [tensor for tensor in training.model.state_dict().values() if tensor.ndim == 4]
    assert all(tensor.is_contiguous(memory_format=torch.channels_last) for tensor in convolutions)
    kept = training.kept()
    assert all(tensor.is_contiguous() for tensor in kept.state_dict().values())
    assert not all(tensor.is_contiguous() for tensor in training.model.state_dict().values())  # goes on as before
    assert bytes_of(kept) == bytes_of(training.model)


# Scenes: drawn anew, with noise, at a rate that falls


def scenes_of(count: int, **values: float) -> tuple[Training, list[int]]:
    """A narrow training on scenes that keeps the numbers of the epochs for which scenes were drawn."""
    drawn: list[int] = []

    def draw(epoch: int) -> Batch:
        drawn.append(epoch)
        return draw_training_scenes(count, (1, epoch)).batch

    data = replace(SCENES.load("true", 1), drawn=draw, judged_by=draw_training_scenes(20, 2).batch)
    recipe = replace(SCENES.recipe, width=0.05, **values)  # type: ignore[arg-type]
    return Training("resnet", data, recipe, 1), drawn


def test_each_epoch_shows_other_scenes_at_a_rate_that_falls() -> None:
    training, drawn = scenes_of(40, most_epochs=4)
    rates = []
    for _ in range(3):
        training.epoch()
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert drawn == [0, 1, 2]
    assert rates == pytest.approx([0.003 * (1 + cos(pi * epoch / 4)) / 2 for epoch in range(3)])
    assert with_recipe(NARROW).recipe.rate(5) == NARROW.recipe.learning_rate


def test_a_training_on_scenes_is_taken_up_again_to_the_same_weights() -> None:
    whole, _ = scenes_of(40)
    halves = [scenes_of(40)[0] for _ in range(2)]
    for _ in range(2):
        whole.epoch()
    halves[0].epoch()
    halves[1].take_up({name: tensor.clone() for name, tensor in halves[0].tensors().items()}, halves[0].history)
    halves[1].epoch()
    assert bytes_of(halves[1].model) == bytes_of(whole.model)


def test_noise_is_drawn_anew_up_to_the_recipes_deviation() -> None:
    training, _ = scenes_of(20, noise=0.5)
    images = torch.zeros(400, 3, 8, 8)
    with training._own_streams():
        first, second = training._with_noise(images), training._with_noise(images)
    assert not torch.equal(first, second)
    deviations = first.flatten(1).std(1)
    assert deviations.max() < 0.6  # 192 draws: 0.5 and four standard errors of 0.026
    assert deviations.mean() == pytest.approx(0.25, abs=0.03)  # of 400 between 0 and 0.5
    assert scenes_of(20, noise=0.0)[0]._with_noise(images) is images


@pytest.mark.parametrize("kind", ["true", "random"])
def test_an_epoch_is_as_long_for_both_kinds(kind: str) -> None:
    batch = SCENES.load(kind, 1).learned
    assert len(batch) == 2000
    assert len({image.numpy().tobytes() for image in batch.images}) == (200 if kind == "random" else 2000)


def test_the_scenes_that_judge_are_shown_in_no_epoch() -> None:
    data = SCENES.load("true", 1)
    assert data.drawn is not None
    assert torch.equal(data.drawn(0).images, data.learned.images)
    shown = {image.numpy().tobytes() for epoch in range(2) for image in data.drawn(epoch).images}
    assert not shown & {image.numpy().tobytes() for image in data.judged_by.images}
