"""Digits to memorise: their labels in order and out of order, and what is chance."""

from __future__ import annotations

import torch

from pytest_saliency_sanity import load_batch
from pytest_saliency_sanity.data.mnist import load_training
from pytest_saliency_sanity.networks.training.digits import chance_range, load_digits, random_labels


def test_no_held_out_digit_was_trained_on() -> None:
    training = {image.numpy().tobytes() for image in load_training().images}
    held_out = {image.numpy().tobytes() for image in load_batch("mnist", 1000).images}
    assert (len(training), len(held_out)) == (200, 1000)
    assert training.isdisjoint(held_out)


def test_random_labels_are_the_true_ones_in_another_order() -> None:
    labels = torch.arange(10).repeat(20)
    shuffled = random_labels(labels, 1)
    assert torch.equal(shuffled.sort().values, labels.sort().values)
    assert 0.03 < float((shuffled == labels).double().mean()) < 0.2
    assert torch.equal(shuffled, random_labels(labels, 1))
    assert not torch.equal(shuffled, random_labels(labels, 2))


def test_true_labels_are_those_of_the_digits_and_a_training_is_judged_by_what_it_learns() -> None:
    true, random = load_digits("true", 1), load_digits("random", 1)
    labels = load_training().targets
    assert labels is not None
    assert true.learned.targets is not None
    assert random.learned.targets is not None
    assert torch.equal(true.learned.targets, labels)
    assert torch.equal(random.learned.targets, random_labels(labels, 1))
    assert true.judged_by is true.learned
    assert random.judged_by is random.learned


def test_chance_is_wider_for_classes_that_are_predicted_alike() -> None:
    labels = torch.arange(10).repeat(100)
    guessed = torch.randint(10, (1000,), generator=torch.Generator().manual_seed(0))
    low, high = chance_range(guessed, labels)
    assert 0.05 < low < 0.1 < high < 0.15
    low, high = chance_range(labels, labels)  # right or wrong by whole classes
    assert low == 0
    assert high >= 0.4
