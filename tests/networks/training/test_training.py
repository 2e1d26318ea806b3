"""The training loop: what an epoch does, what it leaves alone, and what is kept of it."""

from __future__ import annotations

import pytest
import torch
from support.trainings import NARROW, TINY, bytes_of, trained, with_recipe

from pytest_saliency_sanity import build_model
from pytest_saliency_sanity.foundation.errors import CheckpointError
from pytest_saliency_sanity.networks.presets.embedded.bias import BIAS
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
